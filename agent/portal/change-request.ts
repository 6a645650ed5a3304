import { z } from "zod";
import type { Change } from "../store/amendment.ts";
import type { Link } from "../store/model.ts";
import type { Fields } from "../../drivers/driver.ts";
import { invalid } from "./problem.ts";
import { filled, integer, partVariables, scriptParameters, text, typed } from "./requests.ts";
import { sbcIdOf } from "./site-locations.ts";
import { spellFields } from "./spellings.ts";

const flag = z.boolean({ error: typed("true or false") });

/** The body of a change of a site, in the vendor's members and our own `blueprint` and `endCalls`. Property names are compared without case. */
export const changeSite = z
  .preprocess(
    spellFields({
      sbcSiteGuid: [],
      sbcId: [],
      sbcSiteName: [],
      CacProfile: [],
      enableCAC: [],
      flagConfigureSbc: [],
      flagCarrierRegistration: [],
      scriptParameters: [],
      blueprint: [],
      endCalls: [],
    }),
    z.strictObject(
      {
        sbcSiteGuid: filled.nullish().describe("the site to change; needed where the customer has several"),
        sbcId: integer.nullish().describe("must be the device that the site is on: a site is not moved"),
        sbcSiteName: text.nullish().describe("must be the short name: it is not changed"),
        CacProfile: text.nullish().describe("a variable of the blueprint"),
        enableCAC: flag.nullish().describe("kept as a variable that a blueprint may use"),
        flagConfigureSbc: z
          .literal(true, { error: "must be true: a change is made on the device, or not at all" })
          .nullish(),
        flagCarrierRegistration: flag.nullish().describe("kept as a variable that a blueprint may use"),
        scriptParameters: scriptParameters
          .nullish()
          .describe("ProxySet: another carrier; further parameters are variables of the blueprint. The rest stays."),
        blueprint: filled.nullish().describe("name of another blueprint of the agent"),
        endCalls: flag
          .nullish()
          .describe("consent to steps that end active calls: an IP Group that is deleted, or has another type or SRD"),
      },
      { error: typed("an object") },
    ),
  )
  .meta({
    description: "What it does not name stays. Property names are compared without case; unknown ones are refused.",
    examples: [{ scriptParameters: { ProxySet: "SIPTrunk2", CarrierUserName: "acme" }, blueprint: "oc-two-legs" }],
  });
export type ChangeSite = z.output<typeof changeSite>;

/**
 * What the store takes, from a checked body and the link that it is to change. Throws a 400 that names each field which
 * asks for what is no change of this link, and for a body that changes nothing.
 */
export function toChange(
  body: ChangeSite,
  link: Pick<Link, "device" | "shortName" | "gateway">,
  secretVariables: readonly string[],
): { change: Change; secrets: Fields } {
  const { ProxySet, OnlinePstnGateway, ...parameters } = body.scriptParameters ?? {};
  const errors: Record<string, string[]> = {};
  if (typeof body.sbcId === "number" && body.sbcId !== sbcIdOf(link.device))
    errors["sbcId"] = [`is another device than the site's, ${link.device}: remove the customer and convert it there`];
  if (typeof body.sbcSiteName === "string" && body.sbcSiteName.toLowerCase() !== link.shortName.toLowerCase())
    errors["sbcSiteName"] = [`is not the site's name, ${link.shortName}, which stays`];
  if (OnlinePstnGateway !== undefined && OnlinePstnGateway.toLowerCase() !== link.gateway)
    errors["scriptParameters.OnlinePstnGateway"] = [
      `is another gateway than the site's, ${link.gateway}: remove the customer and convert it there`,
    ];
  const { CacProfile, enableCAC, flagCarrierRegistration } = body;
  if (typeof CacProfile === "string" && (parameters["CacProfile"] ?? CacProfile) !== CacProfile)
    errors["CacProfile"] = ["stands twice with different values: here and in scriptParameters"];
  const { variables, secrets } = partVariables(
    { ...parameters, CacProfile: CacProfile ?? parameters["CacProfile"], enableCAC, flagCarrierRegistration },
    secretVariables,
  );
  const proxySet = ProxySet === undefined ? {} : { proxySet: ProxySet };
  const blueprint = typeof body.blueprint === "string" ? { blueprint: body.blueprint } : {};
  const named = [proxySet, blueprint, variables, secrets].some((part) => Object.keys(part).length > 0);
  if (!named && Object.keys(errors).length === 0) errors[""] = ["names nothing that could be changed"];
  if (Object.keys(errors).length > 0) throw invalid(errors);
  const consent = body.endCalls === true ? { endCalls: true as const } : {};
  return { change: { ...proxySet, ...blueprint, variables, ...consent }, secrets };
}
