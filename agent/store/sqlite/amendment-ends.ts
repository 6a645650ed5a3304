import type { IntentRow } from "../../provisioning/intent.ts";
import type { Amendment } from "../amendment.ts";
import type { ExecutionMessage, Lease } from "../model.ts";
import type { Sealer } from "../seal.ts";
import type { Completion } from "../portal-store.ts";
import { Contradiction } from "../store.ts";
import { amendmentWords } from "../amendment-words.ts";
import type { AuditTrail } from "./audit.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Connection } from "./connection.ts";
import type { Departures } from "./departures.ts";
import type { Fences } from "./fences.ts";
import { readJson } from "./json.ts";
import { toLink, type AmendmentRow, type LinkRow } from "./rows.ts";
import { openFields, sealFields } from "./sealed-fields.ts";
import type { Tasks } from "./tasks.ts";
import type { Turns } from "./turns.ts";

type AmendmentResult = Exclude<Completion, { kind: "linked" }>;

/** How amendments end, with their tasks. All of it is called inside a transaction. */
export interface AmendmentEnds {
  find: (taskId: string, device: string) => AmendmentRow | undefined;
  /** What became of an amendment that was handed out under the lease. Throws a Contradiction. */
  complete: (lease: Lease, row: AmendmentRow, completion: AmendmentResult, digest: string) => void;
  /** Gives the customer up on the removal's device: what stands there is owed from now on. Its open changes end. */
  giveUp: (removal: AmendmentRow) => void;
}

/** In place of a completion: whoever has the amendment in hand still may report what it likes, and is not contradicted. */
const withdrawn = "withdrawn";

export interface AmendmentEndsParts {
  connection: Connection;
  fences: Fences;
  tasks: Tasks;
  turns: Turns;
  departures: Departures;
  arrivals: Arrivals;
  audit: AuditTrail["append"];
  sealer: Sealer;
  keepSecrets: boolean;
}

export function openAmendmentEnds(parts: AmendmentEndsParts): AmendmentEnds {
  const { connection, fences, tasks, turns, departures, arrivals, audit, sealer, keepSecrets } = parts;
  const { db, now, announce } = connection;
  const byTask = db.prepare<[string, string], AmendmentRow>(
    "SELECT * FROM amendments WHERE task_id = ? AND device = ?",
  );
  const openOfTask = db.prepare<[string], { seq: number }>(
    "SELECT seq FROM amendments WHERE task_id = ? AND state = 'ready' LIMIT 1",
  );
  const failedOfTask = db.prepare<[string], { seq: number }>(
    "SELECT seq FROM amendments WHERE task_id = ? AND failed = 1 LIMIT 1",
  );
  const openOfCustomer = db.prepare<[string, string], AmendmentRow>(
    `SELECT * FROM amendments WHERE customer_guid = ? AND device = ? AND state = 'ready' AND state <> 'ended' ORDER BY seq`,
  );
  const toEnded = db.prepare<[{ seq: number; at: number; completion: string; failed: number }]>(
    `UPDATE amendments SET state = 'ended', ended_at = @at, completion = @completion, failed = @failed,
       fence = NULL, secrets = NULL, link = NULL
     WHERE seq = @seq`,
  );
  const toOwed = db.prepare<[string, number | undefined, number]>(
    "UPDATE amendments SET state = 'owed', link = ?, arrival = ? WHERE seq = ?",
  );
  const owedOfCustomer = db.prepare<[string, string], AmendmentRow>(
    "SELECT * FROM amendments WHERE customer_guid = ? AND device = ? AND state = 'owed' AND state <> 'ended'",
  );
  const oweMore = db.prepare<[string, number]>("UPDATE amendments SET link = ? WHERE seq = ?");
  const arriveAgain = db.prepare<[number | undefined, number]>("UPDATE amendments SET arrival = ? WHERE seq = ?");
  const noteFailure = db.prepare<[string, number]>("UPDATE amendments SET completion = ? WHERE seq = ?");
  const linkOf = db.prepare<[string, string], LinkRow>("SELECT * FROM links WHERE customer_guid = ? AND device = ?");
  const changeLink = db.prepare(
    `UPDATE links SET gateway = @gateway, intent = @intent, variables = @variables, proxy_set = @proxySet,
       full_name = @fullName, secret_hashes = @secretHashes, secrets = @secrets
     WHERE customer_guid = @customerGuid AND device = @device`,
  );

  function settleTask({ task_id, customer_guid, device }: AmendmentRow, result: "changed" | "removed"): void {
    if (openOfTask.get(task_id) !== undefined) return;
    const failed = failedOfTask.get(task_id) !== undefined;
    tasks.finish(task_id, {
      status: failed ? "CompletedFailed" : "CompletedSuccess",
      details: failed ? ["Failed"] : [],
      messages: [],
      umpCustomerGuid: customer_guid,
    });
    announce({ kind: "amended", taskId: task_id, device, result: failed ? "failed" : result });
  }

  function end(row: AmendmentRow, completion: string, failed: boolean, messages: readonly ExecutionMessage[]): void {
    toEnded.run({ seq: row.seq, at: now(), completion, failed: Number(failed) });
    tasks.append(row.task_id, messages);
  }

  /** The next one of the customer on this device can be worked on now. */
  function wakeNext(row: AmendmentRow): void {
    const [next] = openOfCustomer.all(row.customer_guid, row.device);
    if (next === undefined) return;
    arriveAgain.run(arrivals(row.device), next.seq);
    announce({ kind: "ready", device: row.device });
  }

  function storeChange(row: AmendmentRow, { link }: Extract<Completion, { kind: "changed" }>): void {
    const before = linkOf.get(row.customer_guid, row.device);
    if (link.customerGuid !== row.customer_guid || link.tenantId !== row.tenant_id || link.device !== row.device)
      throw new Contradiction(`the link of ${row.task_id} is another customer's or another device's`);
    if (before === undefined) throw new Contradiction(`the customer of ${row.task_id} has no link on ${row.device}`);
    const secrets = { ...openFields(sealer, before.secrets), ...openFields(sealer, row.secrets) };
    const { customerGuid, device, gateway, proxySet, fullName } = link;
    changeLink.run({
      customerGuid,
      device,
      gateway,
      proxySet,
      fullName,
      intent: JSON.stringify(link.intent),
      variables: JSON.stringify(link.variables),
      secretHashes: JSON.stringify(link.secretHashes),
      secrets: keepSecrets ? sealFields(sealer, secrets) : null,
    });
  }

  /** A change that was given up was carried out all the same: its rows are owed as well. */
  function owe(
    row: AmendmentRow,
    { link: { customerGuid, tenantId, intent } }: Extract<Completion, { kind: "changed" }>,
  ): void {
    const debt = owedOfCustomer.get(row.customer_guid, row.device);
    if (debt?.link === undefined || debt.link === null) return;
    if (customerGuid !== row.customer_guid || tenantId !== row.tenant_id) return;
    const link = readJson.link(debt.link);
    const known = link.intent.rows;
    const isKnown = ({ table, name }: IntentRow): boolean =>
      known.some((one) => one.table === table && one.name.toLowerCase() === name.toLowerCase());
    const rows = [...known, ...intent.rows.filter((one) => !isKnown(one))];
    oweMore.run(JSON.stringify({ ...link, intent: { ...link.intent, rows } }), debt.seq);
  }

  function settleDebt(lease: Lease, row: AmendmentRow, { kind, messages }: AmendmentResult, digest: string): void {
    if (kind === "removed") toEnded.run({ seq: row.seq, at: now(), completion: digest, failed: 0 });
    else noteFailure.run(digest, row.seq);
    audit({
      event: kind === "removed" ? "debt settled" : "debt stands",
      device: row.device,
      taskId: row.task_id,
      who: fences.read(lease.device)?.holder ?? "",
      data: { customerGuid: row.customer_guid, shortName: row.short_name, messages },
    });
  }

  return {
    find: (taskId, device) => byTask.get(taskId, device),

    complete(lease, row, completion, digest) {
      const { task_id, kind, state } = row;
      if (row.completion === withdrawn && completion.kind === "changed") owe(row, completion);
      if (row.completion === digest || row.completion === withdrawn) return;
      if (state === "ended")
        throw new Contradiction(`${task_id} has ended on ${row.device}; this is not the completion that it had`);
      if (row.fence !== lease.fence)
        throw new Contradiction(`${task_id} was not handed out under lease ${lease.fence} of ${lease.device}`);
      if (completion.kind !== "failed" && completion.kind !== resultOf(kind))
        throw new Contradiction(`${task_id} is a ${kind}, which does not end as ${completion.kind}`);
      if (state === "owed") {
        settleDebt(lease, row, completion, digest);
        return;
      }
      const failed = completion.kind === "failed";
      if (completion.kind === "changed") storeChange(row, completion);
      end(row, digest, failed, completion.messages);
      const customer = { customerGuid: row.customer_guid, tenantId: row.tenant_id };
      if (completion.kind === "removed") departures.leave(customer, row.device);
      else if (kind === "removal") turns.promote(row.tenant_id);
      settleTask(row, resultOf(kind));
      wakeNext(row);
    },

    giveUp(removal) {
      const { customer_guid, tenant_id, device, seq, task_id } = removal;
      const link = linkOf.get(customer_guid, device);
      if (link === undefined) throw new Error(`the customer of ${task_id} has no link on ${device}`);
      const subject = { shortName: removal.short_name, device };
      for (const change of openOfCustomer.all(customer_guid, device).filter(({ kind }) => kind === "change")) {
        end(change, withdrawn, true, [amendmentWords.changeGivenUp(subject)]);
        settleTask(change, "changed");
      }
      toOwed.run(JSON.stringify(toLink(link)), arrivals(device), seq);
      tasks.append(task_id, [amendmentWords.givenUp(subject)]);
      departures.leave({ customerGuid: customer_guid, tenantId: tenant_id }, device);
      settleTask(removal, "removed");
      announce({ kind: "ready", device });
    },
  };
}

function resultOf(kind: Amendment["kind"]): "changed" | "removed" {
  return kind === "change" ? "changed" : "removed";
}
