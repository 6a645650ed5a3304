import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { openSealer, readSealKey } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";

/**
 * A process to be killed: accepts conversions, many at once, into the store it is given and prints each task id once it
 * has it.
 */
const [file = "", keyFile = ""] = process.argv.slice(2);
const store = openSqliteStore({
  file,
  judge: () => ({ kind: "device", message: { level: "Information", message: "queued" } }),
  sealer: openSealer(readSealKey(keyFile)),
  deadlineMs: 1_000,
  keepSecrets: true,
});

const atOnce = 20;

async function insertForever(): Promise<never> {
  for (;;) {
    const { taskId } = await store.accept({
      tenantId: randomUUID(),
      variant: "ip-group",
      shortName: randomUUID(),
      fullName: "Site",
      gateway: null,
      proxySet: null,
      variables: {},
      secrets: { CarrierUserPassword: randomUUID() },
      device: "sbc-1",
    });
    writeSync(1, `${taskId}\n`);
  }
}

await Promise.all(Array.from({ length: atOnce }, insertForever));
