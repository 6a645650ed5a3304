import type { Fields } from "../../drivers/driver.ts";
import type { LinkWithSecrets } from "../store/model.ts";

type Hash = (text: string) => string;

export function hashesOf(hash: Hash, secrets: Fields): Fields {
  return Object.fromEntries(Object.entries(secrets).map(([variable, value]) => [variable, hash(value)]));
}

/** The variables whose value on the device is the wanted one. */
export function secretsWritten(hash: Hash, link: LinkWithSecrets, struckOut: boolean): Set<string> {
  const unchanged = Object.entries(link.secretHashes).filter(([variable, written]) => {
    const wanted = link.secrets[variable];
    // A secret that is not kept, or not told, cannot be wanted otherwise than it was written.
    return wanted === undefined || struckOut || hash(wanted) === written;
  });
  return new Set(unchanged.map(([variable]) => variable));
}

/** Something in place of the secrets that are written and not kept, so that rows can be rendered that use them. */
export function namedSecrets({ secretHashes, secrets }: Pick<LinkWithSecrets, "secretHashes" | "secrets">): Fields {
  return { ...Object.fromEntries(Object.keys(secretHashes).map((variable) => [variable, "not-kept"])), ...secrets };
}
