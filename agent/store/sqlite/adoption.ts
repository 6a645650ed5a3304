import type { Adoption, AdoptionStore, AdoptionVerdict } from "../adoption.ts";
import type { AuditTrail } from "./audit.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import type { CustomerRow, LeadRow } from "./rows.ts";

/** Customers that were on a device before they were known here. */
export function keepAdoptions(
  { db, now, write }: Connection,
  fences: Fences,
  audit: AuditTrail["append"],
): AdoptionStore {
  const lead = db.prepare<[string], LeadRow>("SELECT * FROM leads WHERE tenant_id = ?");
  const customer = db.prepare<[string], CustomerRow>("SELECT * FROM customers WHERE tenant_id = ?");
  const converting = db.prepare<[string], { task_id: string }>(
    "SELECT task_id FROM conversions WHERE tenant_id = ? AND state <> 'ended' ORDER BY seq LIMIT 1",
  );
  const owed = db.prepare<[string, string], { task_id: string }>(
    "SELECT task_id FROM amendments WHERE device = ? AND tenant_id = ? AND state = 'owed' AND state <> 'ended' LIMIT 1",
  );
  const holder = db.prepare<[string, string], { short_name: string; tenant_id: string }>(
    "SELECT short_name, tenant_id FROM names WHERE device = ? AND name = lower(?)",
  );
  const holdName = db.prepare(
    `INSERT INTO names (device, name, tenant_id, short_name)
     VALUES (@device, lower(@shortName), @tenantId, @shortName)`,
  );
  const insertCustomer = db.prepare(
    `INSERT INTO customers (guid, tenant_id, short_name, full_name, converted_at)
     VALUES (@customerGuid, @tenantId, @shortName, @fullName, @at)`,
  );
  const markLead = db.prepare(
    "UPDATE leads SET ump_customer_guid = @customerGuid, modified_at = @at WHERE tenant_id = @tenantId",
  );
  const insertLink = db.prepare(
    `INSERT INTO links (customer_guid, tenant_id, short_name, device, held_name, gateway, intent, variables, proxy_set,
       full_name, secret_hashes, secrets, linked_at)
     VALUES (@customerGuid, @tenantId, @shortName, @device, lower(@shortName), @gateway, @intent, @variables, @proxySet,
       @fullName, @secretHashes, NULL, @at)`,
  );

  function judge(device: string, { tenantId, shortName, fullName }: Adoption): AdoptionVerdict {
    const known = lead.get(tenantId);
    const present = customer.get(tenantId);
    const task = converting.get(tenantId)?.task_id;
    const debt = owed.get(device, tenantId)?.task_id;
    const held = holder.get(device, shortName);
    const refusal =
      present !== undefined
        ? `tenant ${tenantId} is customer ${present.short_name} already`
        : known === undefined
          ? `tenant ${tenantId} is not known: create its lead first`
          : task !== undefined
            ? `task ${task} converts tenant ${tenantId}: wait for its end`
            : debt !== undefined
              ? `task ${debt} gave the customer up, and its rows are to be removed: wait until they are`
              : known.status.toLowerCase() !== "active"
                ? `the lead of tenant ${tenantId} is not active (${known.status})`
                : held !== undefined
                  ? `short name ${shortName} is held on device ${device} by customer ${held.short_name} of tenant ${held.tenant_id}`
                  : undefined;
    if (refusal !== undefined) return { kind: "refused", reason: refusal };
    return { kind: "adopted", fullName: fullName ?? known?.company_name ?? shortName };
  }

  function store(device: string, adoption: Adoption, fullName: string): void {
    const { intent, variables, secretHashes, ...rest } = adoption;
    const row = { ...rest, device, fullName, at: now() };
    holdName.run(row);
    insertCustomer.run(row);
    markLead.run(row);
    insertLink.run({
      ...row,
      intent: JSON.stringify(intent),
      variables: JSON.stringify(variables),
      secretHashes: JSON.stringify(secretHashes),
    });
  }

  return {
    async previewAdoptions(device, adoptions) {
      return db.transaction(() => adoptions.map((adoption) => judge(device, adoption)))();
    },

    async adopt(lease, adoptions, by) {
      const { device } = lease;
      return write(() => {
        fences.demand(lease);
        const customers: Pick<Adoption, "customerGuid" | "tenantId" | "shortName">[] = [];
        const verdicts = adoptions.map((adoption): AdoptionVerdict => {
          const { customerGuid, tenantId, shortName } = adoption;
          const repeated = customer.get(tenantId);
          if (repeated?.guid === customerGuid) return { kind: "adopted", fullName: repeated.full_name };
          const verdict = judge(device, adoption);
          if (verdict.kind === "refused") return verdict;
          store(device, adoption, verdict.fullName);
          customers.push({ customerGuid, tenantId, shortName });
          return verdict;
        });
        if (customers.length > 0) audit({ event: "adopt", device, taskId: null, who: by, data: { customers } });
        return verdicts;
      });
    },
  };
}
