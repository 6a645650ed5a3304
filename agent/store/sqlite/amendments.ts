import type { AmendmentStore } from "../amendment.ts";
import type { Connection } from "./connection.ts";
import { toAmendment, type AmendmentRow } from "./rows.ts";

export function keepAmendments({ db }: Connection): AmendmentStore {
  const open = db.prepare<[{ customerGuid: string | null; device: string | null }], AmendmentRow>(
    `SELECT * FROM amendments
     WHERE state <> 'ended' AND (@customerGuid IS NULL OR customer_guid = @customerGuid)
       AND (@device IS NULL OR device = @device)
     ORDER BY seq`,
  );
  const byTask = db.prepare<[string], AmendmentRow>("SELECT * FROM amendments WHERE task_id = ? ORDER BY seq LIMIT 1");

  return {
    async removeCustomer() {
      return { kind: "unknown" };
    },

    async changeCustomer() {
      return { kind: "unknown" };
    },

    async openAmendments({ customerGuid = null, device = null }) {
      return open.all({ customerGuid: customerGuid?.toLowerCase() ?? null, device }).map(toAmendment);
    },

    async amendment(taskId) {
      const row = byTask.get(taskId);
      return row === undefined ? undefined : toAmendment(row);
    },
  };
}
