import { randomUUID } from "node:crypto";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toLead, type LeadRow } from "./rows.ts";

export function keepLeads({ db, now, write }: Connection): Pick<Store, "leads" | "createLead" | "deleteLead"> {
  const page = db.prepare<[number, number], LeadRow>("SELECT * FROM leads ORDER BY seq LIMIT ? OFFSET ?");
  const pageOfTenant = db.prepare<[string, number, number], LeadRow>(
    "SELECT * FROM leads WHERE tenant_id = ? LIMIT ? OFFSET ?",
  );
  const byTenant = db.prepare<[string], LeadRow>("SELECT * FROM leads WHERE tenant_id = ?");
  const byCompany = db.prepare<[string], { id: string }>("SELECT id FROM leads WHERE company_key = ?");
  const converted = db.prepare<[string], { guid: string }>("SELECT guid FROM customers WHERE tenant_id = ?");
  const insert = db.prepare(
    `INSERT INTO leads (id, tenant_id, company_name, company_key, status, consentless, created_at, modified_at)
     VALUES (@id, @tenantId, @companyName, @companyKey, @status, @consentless, @at, @at)`,
  );
  const remove = db.prepare("DELETE FROM leads WHERE tenant_id = ?");

  return {
    async leads({ tenantId, skip, take }) {
      const rows = tenantId === undefined ? page.all(take, skip) : pageOfTenant.all(tenantId.toLowerCase(), take, skip);
      return rows.map(toLead);
    },

    async createLead({ tenantId, companyName, status = "Active", consentless = true }) {
      const tenant = tenantId.toLowerCase();
      const companyKey = companyName.normalize("NFC").toLowerCase();
      return write(() => {
        if (byTenant.get(tenant) !== undefined) return { taken: "tenant" };
        if (byCompany.get(companyKey) !== undefined) return { taken: "company" };
        const id = randomUUID();
        insert.run({
          id,
          tenantId: tenant,
          companyName,
          companyKey,
          status,
          consentless: Number(consentless),
          at: now(),
        });
        const row = byTenant.get(tenant);
        if (row === undefined) throw new Error(`lead ${id} is not there after it was stored`);
        return { created: toLead(row) };
      });
    },

    async deleteLead(tenantId) {
      const tenant = tenantId.toLowerCase();
      return write(() => {
        const row = byTenant.get(tenant);
        if (row === undefined) return "unknown";
        if (row.ump_customer_guid !== null || converted.get(tenant) !== undefined) return "converted";
        if (row.consentless === 0) return "consented";
        remove.run(tenant);
        return "deleted";
      });
    },
  };
}
