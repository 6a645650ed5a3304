import type { Sealer } from "../seal.ts";
import { Contradiction, type Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import { toCustomer, toLink, type CustomerRow, type LinkRow } from "./rows.ts";
import { sealFields } from "./sealed-fields.ts";

export function keepCustomers(
  { db, write }: Connection,
  fences: Fences,
  sealer: Sealer,
  keepSecrets: boolean,
): Pick<Store, "customers" | "customer" | "links" | "countLinks" | "updateLinks"> {
  const all = db.prepare<[], CustomerRow>("SELECT * FROM customers ORDER BY seq");
  const byGuid = db.prepare<[string], CustomerRow>("SELECT * FROM customers WHERE guid = ?");
  const links = db.prepare<[], LinkRow>("SELECT * FROM links ORDER BY seq");
  const linksOn = db.prepare<[string], LinkRow>("SELECT * FROM links WHERE device = ? ORDER BY seq");
  const linksOf = db.prepare<[string], LinkRow>("SELECT * FROM links WHERE customer_guid = ? ORDER BY seq");
  const count = db.prepare<[], { device: string; linked: number }>(
    "SELECT device, count(*) AS linked FROM links GROUP BY device ORDER BY device",
  );
  const update = db.prepare(
    `UPDATE links SET gateway = @gateway, intent = @intent, variables = @variables, proxy_set = @proxySet,
       full_name = @fullName, secret_hashes = @secretHashes
     WHERE customer_guid = @customerGuid AND device = @device`,
  );
  const updateSecrets = db.prepare<[string | null, string, string]>(
    "UPDATE links SET secrets = ? WHERE customer_guid = ? AND device = ?",
  );

  const givenUp = db.prepare<[string, string], { seq: number }>(
    "SELECT seq FROM amendments WHERE customer_guid = ? AND device = ? AND state = 'owed' AND state <> 'ended'",
  );

  return {
    async customers() {
      return all.all().map(toCustomer);
    },

    async customer(guid) {
      const row = byGuid.get(guid.toLowerCase());
      return row === undefined ? undefined : toCustomer(row);
    },

    async links({ device, customerGuid }) {
      if (customerGuid !== undefined)
        return linksOf
          .all(customerGuid.toLowerCase())
          .filter((row) => device === undefined || row.device === device)
          .map(toLink);
      return (device === undefined ? links.all() : linksOn.all(device)).map(toLink);
    },

    async countLinks() {
      return count.all();
    },

    async updateLinks(lease, changed) {
      await write(() => {
        fences.demand(lease);
        for (const { secrets, ...link } of changed) {
          const { changes } = update.run({
            ...link,
            device: lease.device,
            intent: JSON.stringify(link.intent),
            variables: JSON.stringify(link.variables),
            secretHashes: JSON.stringify(link.secretHashes),
          });
          // Given up while the run was under way: what it found of the link is of no use any more.
          if (changes !== 1 && givenUp.get(link.customerGuid, lease.device) !== undefined) continue;
          if (changes !== 1) throw new Contradiction(`customer ${link.customerGuid} has no link on ${lease.device}`);
          if (secrets !== undefined && keepSecrets)
            updateSecrets.run(sealFields(sealer, secrets), link.customerGuid, lease.device);
        }
      });
    },
  };
}
