import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { judge } from "../../agent/portal/rules.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";

/** What `store-process` is told, as JSON in its first argument. */
export interface StoreOrder {
  folder: string;
  conversions: number;
}

/** What it prints, as JSON in one line. */
export interface StoreTimes {
  ms: number;
}

/** How long the store takes to accept so many conversions that are all asked for at once. */
async function main(): Promise<void> {
  const { folder, conversions } = JSON.parse(process.argv[2] ?? "") as StoreOrder;
  const store = openSqliteStore({
    file: join(folder, "store.db"),
    judge,
    sealer: openSealer(randomBytes(32)),
    deadlineMs: 14_400_000,
    keepSecrets: true,
  });
  const tenants = Array.from({ length: conversions }, () => randomUUID());
  await Promise.all(tenants.map((tenantId) => store.createLead({ tenantId, companyName: `Company ${tenantId}` })));
  const startedMs = performance.now();
  const accepted = await Promise.all(
    tenants.map((tenantId, i) =>
      store.accept({
        tenantId,
        variant: "ip-group",
        shortName: `Cust${i}`,
        fullName: `Cust${i}`,
        gateway: `gw${i % 10}.example.com`,
        proxySet: "SIPTrunk",
        variables: { ProxySet: "SIPTrunk", OnlinePstnGateway: `gw${i % 10}.example.com` },
        secrets: {},
        device: `sbc${i % 10}`,
      }),
    ),
  );
  const times: StoreTimes = { ms: performance.now() - startedMs };
  await store.close();
  if (accepted.some(({ verdict }) => verdict !== "device")) throw new Error("a conversion was not accepted");
  process.stdout.write(`${JSON.stringify(times)}\n`);
}

await main();
