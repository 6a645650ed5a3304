import { z } from "zod";
import type { Fields } from "../../drivers/driver.ts";
import type { NewConversion } from "../store/judgement.ts";
import { spellFields } from "./spellings.ts";

const configurations = ["OcEssential_IPGROUP_TYPE", "OcEssential_TENANT_TYPE"] as const;

export const typed = (type: string) => (issue: { input?: unknown }) =>
  issue.input === undefined ? "is missing" : `must be ${type}`;

/** Names are only bounded here: those that break a rule become the task's result. */
const name = z.string({ error: typed("a string") }).max(1_000, "must have at most 1000 characters");
export const text = z
  .string({ error: typed("a string") })
  .max(1_000, "must have at most 1000 characters")
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");
export const filled = text.min(1, "must not be empty");
export const integer = z.int({ error: typed("an integer") });

export const guid = z.guid({
  error: (issue) =>
    issue.input === undefined ? "is missing" : "must be a GUID, for example f79a7f93-5ef7-47d2-92c8-e4570503cec3",
});

export const scriptParameters = z.preprocess(
  spellFields(
    {
      ProxySet: [],
      OnlinePstnGateway: [],
      CacProfile: [],
      CarrierUserName: [],
      CarrierUserPassword: [],
      CarrierMailLine: ["CarierMailLine", "CarrierMainLine"],
      CarrierHostName: [],
    },
    {
      pattern: /^[A-Za-z][A-Za-z0-9_.]{0,62}$/,
      rule: "is no name of a script parameter: a letter, then letters, digits, '_' and '.', at most 63",
    },
  ),
  z
    .object(
      {
        ProxySet: filled.optional().describe("name of the Proxy Set, or of the carrier that defines it"),
        OnlinePstnGateway: filled.optional().describe("gateway FQDN; it names the device"),
      },
      { error: typed("an object") },
    )
    .catchall(text),
);

const siteLocation = z.preprocess(
  (input, context) => {
    const spelled = spellFields({
      siteLocationName: [],
      sbcId: [],
      sbcOnboardingScript: [],
      sbcCleanupScript: [],
      sbcOcUploadNumberScript: [],
      sbcOcReleaseNumberScript: [],
      sbcDeploymentState: [],
    });
    return spelled(Array.isArray(input) && input.length === 1 ? input[0] : input, context);
  },
  z
    .strictObject(
      {
        siteLocationName: text.nullish(),
        sbcId: integer.nullish(),
        sbcOnboardingScript: integer.nullish(),
        sbcCleanupScript: integer.nullish(),
        sbcOcUploadNumberScript: integer.nullish(),
        sbcOcReleaseNumberScript: integer.nullish(),
        sbcDeploymentState: text.nullish(),
      },
      { error: typed("an object, or an array of one") },
    )
    .describe(
      "Its members are kept as variables that a blueprint may use. They choose nothing by themselves: the gateway names the device, and the device its blueprint.",
    ),
);

interface Given {
  configurationName?: unknown;
  scriptParameters?: unknown;
}
const isGiven = (value: unknown): value is Given => typeof value === "object" && value !== null;
const parametersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  isGiven(value) && isGiven(value.scriptParameters) ? { ...value.scriptParameters } : {};
const asksForIpGroup = (value: unknown) => isGiven(value) && value.configurationName === configurations[0];

/** Also when other fields are wrong: every fault is told at once. */
const always = { when: () => true };

/**
 * The body of create-customer in its variants A, B and C. Property names are compared without case, and every spelling
 * of the vendor's pages is taken.
 */
export const createCustomer = z
  .preprocess(
    spellFields({
      configurationName: [],
      customerShortName: ["shortName"],
      customerFullName: ["CustomerFulName"],
      msTenantId: [],
      scriptParameters: [],
      siteLocation: [],
      ovocCustomerType: [],
      channelId: [],
    }),
    z
      .strictObject(
        {
          configurationName: z.enum(configurations, {
            error: (issue) =>
              issue.input === undefined ? "is missing" : `must be one of ${configurations.join(", ")}`,
          }),
          customerShortName: name.describe("3 to 15 letters, digits and '_'; also spelled shortName"),
          customerFullName: name.describe("letters, digits, '_', ' and space; also spelled CustomerFulName"),
          msTenantId: guid.describe("the lead's tenant"),
          scriptParameters: scriptParameters
            .nullish()
            .describe("ProxySet and OnlinePstnGateway are required; further parameters are variables of the blueprint"),
          siteLocation: siteLocation.nullish(),
          ovocCustomerType: text.nullish().describe("kept as a variable; has no effect by itself"),
          channelId: text.nullish().describe("kept as a variable; has no effect by itself"),
        },
        { error: typed("an object") },
      )
      .refine((body) => !asksForIpGroup(body) || parametersOf(body)["ProxySet"] !== undefined, {
        path: ["scriptParameters", "ProxySet"],
        message: "is missing: OcEssential_IPGROUP_TYPE needs the Proxy Set",
        ...always,
      })
      .refine((body) => !asksForIpGroup(body) || parametersOf(body)["OnlinePstnGateway"] !== undefined, {
        path: ["scriptParameters", "OnlinePstnGateway"],
        message: "is missing: OcEssential_IPGROUP_TYPE needs the gateway",
        ...always,
      })
      .refine(
        (body) =>
          !isGiven(body) ||
          body.configurationName !== configurations[1] ||
          Object.keys(parametersOf(body)).length === 0,
        {
          path: ["scriptParameters"],
          message:
            "makes nothing on a device with OcEssential_TENANT_TYPE: leave it out, or ask for OcEssential_IPGROUP_TYPE",
          ...always,
        },
      ),
  )
  .meta({
    description:
      "Property names are compared without case; one field in two spellings must have one value. Unknown properties are refused.",
    examples: [
      {
        configurationName: "OcEssential_IPGROUP_TYPE",
        customerShortName: "SIPTest4",
        customerFullName: "SIPTest4",
        msTenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3",
        scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: "oc1.sandbox2.audiocodes.be" },
      },
    ],
  });
export type CreateCustomer = z.output<typeof createCustomer>;

/** Makes the test whether a variable is secret: patterns compare without case, `*` stands for anything. */
export function createSecretTest(patterns: readonly string[]): (variable: string) => boolean {
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .split(/\*+/)
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*")}$`,
        "i",
      ),
  );
  return (variable) => expressions.some((expression) => expression.test(variable));
}

/** Script parameters as variables and secrets; what is not given is left out. */
export function partVariables(
  given: Readonly<Record<string, string | number | boolean | null | undefined>>,
  secretVariables: readonly string[],
): { variables: Fields; secrets: Fields } {
  const isSecret = createSecretTest(secretVariables);
  const all = Object.entries(given).flatMap(([variable, value]) =>
    value === undefined || value === null ? [] : [[variable, String(value)] as const],
  );
  const choose = (secret: boolean): Fields =>
    Object.fromEntries(all.filter(([variable]) => isSecret(variable) === secret));
  return { variables: choose(false), secrets: choose(true) };
}

export interface ConversionSettings {
  /** Patterns of the names of secret variables, as in the configuration. */
  secretVariables: readonly string[];
  /** The device that a gateway (lower case) belongs to. */
  resolveDevice(gateway: string): string | undefined;
}

/** What the store takes, from a checked body. Tenant and gateway become lower case; script parameters are parted into variables and secrets. */
export function toNewConversion(body: CreateCustomer, settings: ConversionSettings): NewConversion {
  const { ProxySet, OnlinePstnGateway, ...parameters } = body.scriptParameters ?? {};
  const { ovocCustomerType, channelId } = body;
  const given = { ...parameters, ...body.siteLocation, ovocCustomerType, channelId };
  const variant = body.configurationName === "OcEssential_IPGROUP_TYPE" ? "ip-group" : "tenant";
  const gateway = variant === "ip-group" ? (OnlinePstnGateway?.toLowerCase() ?? null) : null;
  return {
    tenantId: body.msTenantId.toLowerCase(),
    variant,
    shortName: body.customerShortName,
    fullName: body.customerFullName,
    gateway,
    proxySet: ProxySet ?? null,
    ...partVariables(given, settings.secretVariables),
    device: gateway === null ? null : (settings.resolveDevice(gateway) ?? null),
  };
}
