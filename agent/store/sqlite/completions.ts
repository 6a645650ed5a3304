import { createHash } from "node:crypto";
import type { Completion } from "../portal-store.ts";
import { Contradiction, type Store } from "../store.ts";
import type { AmendmentEnds } from "./amendment-ends.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import type { ConversionRow } from "./rows.ts";
import type { Tasks } from "./tasks.ts";
import type { Turns } from "./turns.ts";
import { reach } from "../../fail-points.ts";

type Linked = Extract<Completion, { kind: "linked" }>;

/** Ends conversions: on their device, and at their OVOC site. */
export function keepCompletions(
  { db, now, write, announce }: Connection,
  fences: Fences,
  tasks: Tasks,
  turns: Turns,
  ends: AmendmentEnds,
  keepSecrets: boolean,
): Pick<Store, "complete" | "completeSite"> {
  const byTask = db.prepare<[string], ConversionRow>("SELECT * FROM conversions WHERE task_id = ?");
  const isCustomer = db.prepare<[string], { guid: string }>("SELECT guid FROM customers WHERE guid = ?");
  const insertCustomer = db.prepare(
    `INSERT INTO customers (guid, tenant_id, short_name, full_name, converted_at)
     VALUES (@customer_guid, @tenant_id, @short_name, @full_name, @at)`,
  );
  const markLead = db.prepare(
    "UPDATE leads SET ump_customer_guid = @customer_guid, modified_at = @at WHERE tenant_id = @tenant_id",
  );
  const toLinked = db.prepare<[string, number]>(
    `UPDATE conversions SET state = 'site', completion = ?, fence = NULL, held_name = NULL, secrets = NULL
     WHERE seq = ?`,
  );
  const insertLink = db.prepare(
    `INSERT INTO links (customer_guid, tenant_id, short_name, device, held_name, gateway, intent, variables, proxy_set,
       full_name, secret_hashes, secrets, linked_at)
     VALUES (@customerGuid, @tenantId, @shortName, @device, @heldName, @gateway, @intent, @variables, @proxySet,
       @fullName, @secretHashes, @secrets, @at)`,
  );

  function makeCustomer({ customer_guid, tenant_id, short_name, full_name }: ConversionRow): void {
    insertCustomer.run({ customer_guid, tenant_id, short_name, full_name, at: now() });
    markLead.run({ customer_guid, tenant_id, at: now() });
  }

  function storeLink(row: ConversionRow, { link, messages }: Linked, digest: string): void {
    if (link.customerGuid !== row.customer_guid || link.tenantId !== row.tenant_id || link.device !== row.device)
      throw new Contradiction(`the link of ${row.task_id} is another customer's or another device's`);
    makeCustomer(row);
    toLinked.run(digest, row.seq);
    insertLink.run({
      ...link,
      shortName: row.short_name,
      heldName: row.held_name,
      intent: JSON.stringify(link.intent),
      variables: JSON.stringify(link.variables),
      secretHashes: JSON.stringify(link.secretHashes),
      secrets: keepSecrets ? row.secrets : null,
      at: now(),
    });
    tasks.append(row.task_id, messages);
    announce({ kind: "site" });
  }

  return {
    async complete(lease, completions) {
      await write(() => {
        fences.demand(lease);
        for (const completion of completions) {
          const { taskId } = completion;
          const digest = digestOf(completion);
          const amendment = ends.find(taskId, lease.device);
          if (amendment !== undefined) {
            if (completion.kind === "linked") throw new Contradiction(`${taskId} is no conversion`);
            ends.complete(lease, amendment, completion, digest);
            continue;
          }
          const row = byTask.get(taskId);
          if (row?.device !== lease.device)
            throw new Contradiction(`${taskId} is no conversion and no amendment of ${lease.device}`);
          if (row.state !== "ready") {
            if (row.completion === digest) continue;
            throw new Contradiction(`${row.task_id} is in state ${row.state}; this is not the completion that it had`);
          }
          if (row.fence !== lease.fence)
            throw new Contradiction(`${row.task_id} was not handed out under lease ${lease.fence} of ${lease.device}`);
          if (completion.kind === "linked") storeLink(row, completion, digest);
          else if (completion.kind !== "failed") throw new Contradiction(`${row.task_id} is no amendment`);
          else {
            const { details, messages } = completion;
            turns.end(row, { status: "CompletedFailed", details, messages, umpCustomerGuid: null }, digest);
          }
        }
        reach("completion-storing");
      });
      reach("completion-stored");
    },

    async completeSite(taskId, messages) {
      await write(() => {
        const row = byTask.get(taskId);
        if (row === undefined) throw new Contradiction(`${taskId} is no conversion`);
        if (row.state === "ended" && tasks.read(taskId)?.details[0] === "Converted") return;
        if (row.state !== "site") throw new Contradiction(`${taskId} is in state ${row.state}, so no site ends it`);
        if (isCustomer.get(row.customer_guid) === undefined) makeCustomer(row);
        const { customer_guid: umpCustomerGuid, completion } = row;
        turns.end(row, { status: "CompletedSuccess", details: ["Converted"], messages, umpCustomerGuid }, completion);
        reach("site-storing");
      });
      reach("site-stored");
    },
  };
}

// Without the time of linking, which the store sets itself.
function digestOf(completion: Completion): string {
  const content = "link" in completion ? { ...completion, link: { ...completion.link, linkedAt: 0 } } : completion;
  return createHash("sha256").update(JSON.stringify(content, sortKeys)).digest("hex");
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
