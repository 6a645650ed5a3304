import type { ConnectConfig } from "ssh2";
import type { SshOptions } from "./driver.ts";

const groupExchange = "diffie-hellman-group-exchange-sha256";
const legacyGroupExchange = "diffie-hellman-group-exchange-sha1";

/** What ssh2 is to offer: its own choice without group exchange, and on demand what old firmware needs. */
export function algorithmsOf({
  profile,
  groupExchange: wanted,
}: Pick<SshOptions, "profile" | "groupExchange">): ConnectConfig["algorithms"] {
  const legacy = profile === "legacy";
  return {
    kex: {
      append: legacy
        ? [
            "diffie-hellman-group14-sha1",
            "diffie-hellman-group1-sha1",
            ...(wanted ? [legacyGroupExchange as never] : []),
          ]
        : [],
      prepend: [],
      // Its check of the group stops the whole process for more than a second.
      remove: wanted ? [] : [groupExchange],
    },
    cipher: { append: legacy ? ["aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"] : [], prepend: [], remove: [] },
  };
}
