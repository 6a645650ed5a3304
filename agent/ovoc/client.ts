import { isIP } from "node:net";
import { z } from "zod";
import type { DeviceSettings, OvocSettings } from "../settings/config.ts";
import { OvocError } from "./error.ts";
import { fillBody, fillPath, placeholdersOf, type TemplateValues } from "./templates.ts";
import { openOvocTransport } from "./transport.ts";

export interface OvocCustomer {
  /** The short name. */
  siteName: string;
  fullName: string;
  tenantId: string;
}

/** What a link is keyed by: an IP Group of a device, or the tenant where a customer has no IP Group. */
export type LinkKey = { kind: "ip-group"; ipGroup: string; device: string } | { kind: "tenant" };

export type OvocId = string | number;

export interface Ensured {
  id: OvocId;
  came: "created" | "present";
}

/**
 * Makes sites and links in OVOC by name: looks each up, creates it where it is missing, and never changes one. Every
 * method may be repeated, also after a crash or a lost answer, and throws OvocError.
 */
export interface OvocClient {
  /** Whether links are wanted as well; `ensureLink` is for those who see true here. */
  readonly makesLinks: boolean;
  ensureSite(customer: OvocCustomer, signal: AbortSignal): Promise<Ensured>;
  ensureLink(customer: OvocCustomer, siteId: OvocId, key: LinkKey, signal: AbortSignal): Promise<Ensured>;
  close(): void;
}

type Body = Readonly<Record<string, unknown>>;

const id = z.union([z.int().min(0), z.string().min(1)]);
const entity = z.looseObject({ id });
const namedEntity = entity.extend({ name: z.string() });
const creation = z.object({ id });

type Entity = z.infer<typeof entity>;
type NamedEntity = z.infer<typeof namedEntity>;

/** A list bears the name of the last segment of its path. */
function listName(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? "";
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

const isSame = (a: unknown, b: unknown): boolean => String(a).toLowerCase() === String(b).toLowerCase();

/** The first field that both have and that differs. Nothing follows from a field that OVOC does not show. */
function differenceOf(found: NamedEntity, body: Body): string | undefined {
  for (const [field, wanted] of Object.entries(body)) {
    const shown = found[field];
    if (isScalar(shown) && isScalar(wanted) && !isSame(shown, wanted)) return `${field} is ${shown}, not ${wanted}`;
  }
  return undefined;
}

/**
 * Opens no connection by itself. `secret`: password or token, or what reads it anew for each request. `ca`: PEM of the
 * authority that signed OVOC's certificate, where it is none of the system's. `devices`: where links find the addresses
 * by which OVOC knows the devices.
 */
export function openOvoc(
  settings: OvocSettings,
  secret: string | (() => string),
  ca: string | undefined,
  devices: readonly Pick<DeviceSettings, "name" | "address">[] = [],
): OvocClient {
  const transport = openOvocTransport(settings, typeof secret === "string" ? () => secret : secret, ca);
  const at = `OVOC ${settings.url}`;

  async function list<T extends Entity>(
    path: string,
    [field, value]: readonly [field: string, value: string],
    shape: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T[]> {
    // No escape of OVOC's filters is known, and what cannot be looked up must not be created.
    if (!/^[^'\\\p{Cc}\p{Cs}]+$/u.test(value))
      throw new OvocError(
        "name",
        `${JSON.stringify(value)} cannot be looked up in OVOC: it is empty, or has a quote, a backslash or a control character`,
      );
    const query = `detail=1&filter=${encodeURIComponent(`(${field}='${value}')`)}`;
    const { status, json, words } = await transport.ask({ method: "GET", path, query }, signal);
    const search = `the search of ${path} for ${field} '${value}'`;
    if (status === 204) return [];
    if (status !== 200) throw new OvocError("rejected", `${at} answered ${status} to ${search}${words}`);
    if (json === undefined) return [];
    const name = listName(path);
    const answer = z.object({ [name]: z.array(shape) }).safeParse(json);
    const found = answer.success ? answer.data[name] : undefined;
    if (found === undefined)
      throw new OvocError("protocol", `${at} answered ${search} with something else than a list '${name}' of these`);
    return found;
  }

  async function find(what: string, path: string, body: Body, signal: AbortSignal): Promise<Ensured | undefined> {
    const name = String(body["name"]);
    const found = await list(path, ["name", name], namedEntity, signal);
    const namesakes = found.filter((one) => one.name === name);
    const equal = namesakes.filter((one) => differenceOf(one, body) === undefined);
    const [only] = equal;
    if (equal.length > 1)
      throw new OvocError(
        "conflict",
        `${at} has ${equal.length} ${what}s '${name}' (ids ${equal.map((one) => one.id).join(", ")}): which one is meant is not known`,
      );
    if (only !== undefined) return { id: only.id, came: "present" };
    const [other] = namesakes;
    if (other === undefined) return undefined;
    throw new OvocError(
      "conflict",
      `${at} has another ${what} '${name}' (id ${other.id}: ${differenceOf(other, body) ?? ""}), which is left as it is`,
    );
  }

  async function ensure(what: string, path: string, body: Body, signal: AbortSignal): Promise<Ensured> {
    const present = await find(what, path, body, signal);
    if (present !== undefined) return present;
    const { status, json, words } = await transport.ask({ method: "POST", path, body }, signal);
    const answered = `${at} answered ${status} to the creation of ${what} '${String(body["name"])}'`;
    if (status === 200 || status === 201) {
      const made = creation.safeParse(json);
      if (!made.success) throw new OvocError("protocol", `${answered} without an id`);
      return { id: made.data.id, came: "created" };
    }
    // Somebody else, or our own lost request, was faster.
    const meanwhile = status === 400 || status === 409 ? await find(what, path, body, signal) : undefined;
    if (meanwhile === undefined) throw new OvocError("rejected", `${answered}${words}`);
    return meanwhile;
  }

  /** How OVOC is asked for a device: by the name that is configured for it there, or by the address it is reached at. */
  function deviceFilter(device: string, configured: string | undefined): readonly [string, string] {
    if (configured !== undefined) return ["name", configured];
    const address = devices.find(({ name }) => name === device)?.address;
    if (address === undefined)
      throw new OvocError("missing", `the address of device '${device}' is not known here: set ovoc.devices.${device}`);
    const host = new URL(address).hostname.replace(/^\[|\]$/g, "");
    return [isIP(host) === 0 ? "fqdn" : "ipAddress", host];
  }

  async function findDeviceId(device: string, signal: AbortSignal): Promise<OvocId> {
    const configured = Object.hasOwn(settings.devices, device) ? settings.devices[device] : undefined;
    if (typeof configured === "number") return configured;
    const [field, value] = deviceFilter(device, configured);
    const found = await list(settings.devicesPath, [field, value], entity, signal);
    const remedy = `see to it there, or set ovoc.devices.${device}`;
    if (found.some((one) => !isScalar(one[field])))
      throw new OvocError("protocol", `${at} lists devices without ${field}, so '${device}' is not known: ${remedy}`);
    const [only, ...others] = found.filter((one) => isSame(one[field], value));
    if (only === undefined)
      throw new OvocError("missing", `${at} has no device with ${field} '${value}' (device '${device}'): ${remedy}`);
    if (others.length > 0)
      throw new OvocError("conflict", `${at} has ${others.length + 1} devices with ${field} '${value}': ${remedy}`);
    return only.id;
  }

  async function linkValues(key: LinkKey, signal: AbortSignal): Promise<TemplateValues> {
    if (key.kind === "tenant") return {};
    const { ipGroup, device } = key;
    if (!placeholdersOf(settings.linkBody).includes("deviceId")) return { ipGroup };
    return { ipGroup, deviceId: await findDeviceId(device, signal) };
  }

  return {
    makesLinks: settings.links,
    async ensureSite(customer, signal) {
      const values = { ...customer };
      return ensure("site", fillPath(settings.sitesPath, values), fillBody(settings.siteBody, values), signal);
    },
    async ensureLink(customer, siteId, key, signal) {
      const template = key.kind === "tenant" ? settings.tenantLinkBody : settings.linkBody;
      const values = { ...customer, siteId, ...(await linkValues(key, signal)) };
      return ensure("link", fillPath(settings.linksPath, values), fillBody(template, values), signal);
    },
    close: () => transport.close(),
  };
}
