import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import type { DeviceIdentity } from "./driver.ts";
import { DriverError } from "./errors.ts";
import type { DriverKind } from "./driver.ts";
import { limitsByModel } from "./mediant/limits.ts";
import { rest } from "./rest.ts";

export { refusal } from "./mediant/grammar.ts";
export { mediantTables } from "./mediant/tables.ts";

const ssh: DriverKind = {
  open: () => {
    throw new DriverError("unsupported", "the SSH driver is not here yet");
  },
  identify: (address, connectMs) =>
    new Promise((resolve, reject) => {
      const url = new URL(address.replace("ssh:", "http:"));
      const client = new ssh2.Client();
      let identity: DeviceIdentity | undefined;
      client.on("error", (error) => {
        client.destroy();
        if (identity === undefined) reject(new DriverError("unreachable", `${url.host}: ${error.message}`));
        else resolve(identity);
      });
      client.connect({
        host: url.hostname,
        port: Number(url.port),
        username: "nobody",
        readyTimeout: connectMs,
        hostVerifier: (key: Buffer) => {
          const length = key.readUInt32BE(0);
          identity = {
            kind: "host-key",
            algorithm: key.toString("ascii", 4, 4 + length),
            sha256: `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`,
          };
          return false;
        },
      });
    }),
};

/** The drivers that ship with the agent, by the name they have in the inventory. */
export const drivers: Readonly<Record<"rest" | "ssh" | "auto", DriverKind>> = { rest, ssh, auto: ssh };

/** The model tiers whose table limits are known: what `DriverOptions.model` takes. */
export const models: readonly string[] = [...limitsByModel.keys()];
