import type { Connection } from "./connection.ts";
import type { Turns } from "./turns.ts";

/** Takes customers out of the store. All of it is called inside a transaction. */
export interface Departures {
  /**
   * Frees link and name on a device (null: there is none), and with the last link the customer and its lead. The
   * tenant's next conversion is judged.
   */
  leave: (customer: { customerGuid: string; tenantId: string }, device: string | null) => void;
}

export function openDepartures({ db, now }: Connection, turns: Turns): Departures {
  const removeLink = db.prepare<[string, string], { held_name: string }>(
    "DELETE FROM links WHERE customer_guid = ? AND device = ? RETURNING held_name",
  );
  const freeName = db.prepare<[string, string]>("DELETE FROM names WHERE device = ? AND name = ?");
  const anyLink = db.prepare<[string], { seq: number }>("SELECT seq FROM links WHERE customer_guid = ? LIMIT 1");
  const removeCustomer = db.prepare<[string]>("DELETE FROM customers WHERE guid = ?");
  const clearLead = db.prepare<[{ customerGuid: string; tenantId: string; at: number }]>(
    `UPDATE leads SET ump_customer_guid = NULL, modified_at = @at
     WHERE tenant_id = @tenantId AND ump_customer_guid = @customerGuid`,
  );

  return {
    leave({ customerGuid, tenantId }, device) {
      const link = device === null ? undefined : removeLink.get(customerGuid, device);
      if (link !== undefined && device !== null) freeName.run(device, link.held_name);
      if (anyLink.get(customerGuid) === undefined) {
        removeCustomer.run(customerGuid);
        clearLead.run({ customerGuid, tenantId, at: now() });
      }
      turns.promote(tenantId);
    },
  };
}
