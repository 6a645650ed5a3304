import type { Sealer } from "../seal.ts";
import type { Facts, Judge, NewConversion, Verdict } from "../judgement.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Connection } from "./connection.ts";
import { readJson } from "./json.ts";
import { toCustomer, toLead, type ConversionRow, type CustomerRow, type LeadRow } from "./rows.ts";
import type { Gateways } from "./gateways.ts";
import { openFields } from "./sealed-fields.ts";
import type { TaskResult, Tasks } from "./tasks.ts";

export interface Turns {
  /** What a new conversion would be told. Writes nothing. */
  preview(conversion: NewConversion): Verdict;
  /** Judges a conversion that waits, for its turn or its gateway, and carries the verdict out. */
  take(row: ConversionRow): Verdict["kind"];
  /** Ends a conversion with its task, frees its name, and gives the turn to the tenant's next. */
  end(row: ConversionRow, result: TaskResult, completion: string | null): void;
  /** Judges the tenant's waiting conversions again, where none of its conversions runs. */
  promote(tenantId: string): void;
}

/** One tenant, one line: of its conversions only the oldest runs. All of it is called inside a transaction. */
export function openTurns(
  connection: Connection,
  tasks: Tasks,
  gateways: Gateways,
  arrivals: Arrivals,
  judge: Judge,
  sealer: Sealer,
): Turns {
  const { db, now, announce } = connection;
  const readFacts = openFacts(connection, gateways);
  const running = db.prepare<[string], { seq: number }>(
    "SELECT seq FROM conversions WHERE tenant_id = ? AND state IN ('unplaced', 'ready', 'site')",
  );
  const oldestWaiting = db.prepare<[string], ConversionRow>(
    "SELECT * FROM conversions WHERE tenant_id = ? AND state = 'waiting' ORDER BY seq LIMIT 1",
  );
  const waiting = db.prepare<[string], ConversionRow>(
    "SELECT * FROM conversions WHERE tenant_id = ? AND state = 'waiting' ORDER BY seq",
  );
  const holdName = db.prepare<[ConversionRow]>(
    `INSERT INTO names (device, name, tenant_id, short_name)
     VALUES (@device, lower(@short_name), @tenant_id, @short_name)`,
  );
  const freeName = db.prepare<[string | null, string]>("DELETE FROM names WHERE device = ? AND name = ?");
  const toReady = db.prepare<[string, number | undefined, number]>(
    "UPDATE conversions SET state = 'ready', device = ?, held_name = lower(short_name), arrival = ? WHERE seq = ?",
  );
  const toUnplaced = db.prepare<[number]>("UPDATE conversions SET state = 'unplaced' WHERE seq = ?");
  const toSite = db.prepare<[number]>("UPDATE conversions SET state = 'site' WHERE seq = ?");
  const toEnded = db.prepare(
    `UPDATE conversions SET state = 'ended', ended_at = @at, completion = @completion,
       fence = NULL, held_name = NULL, secrets = NULL
     WHERE seq = @seq`,
  );

  function close(row: ConversionRow, result: TaskResult, completion: string | null): void {
    toEnded.run({ seq: row.seq, at: now(), completion });
    if (row.held_name !== null) freeName.run(row.device, row.held_name);
    tasks.finish(row.task_id, result);
    announce({ kind: "ended", taskId: row.task_id, device: row.device, details: result.details });
  }

  function carryOut(waiting: ConversionRow): Verdict["kind"] {
    const row = { ...waiting, device: waiting.device ?? gateways.deviceOf(waiting.gateway) };
    const verdict = judge(toNewConversion(row, sealer), readFacts(row));
    switch (verdict.kind) {
      case "failed": {
        const { details, messages } = verdict;
        close(row, { status: "CompletedFailed", details, messages, umpCustomerGuid: null }, null);
        break;
      }
      case "already-converted": {
        const details = ["CustomerAlreadyConverted"];
        close(row, { status: "CompletedSuccess", details, messages: verdict.messages, umpCustomerGuid: null }, null);
        break;
      }
      case "wait":
        tasks.note(row.task_id, verdict.message);
        break;
      case "unplaced":
        toUnplaced.run(row.seq);
        tasks.note(row.task_id, verdict.message);
        break;
      case "device":
        if (row.device === null) throw new Error(`${row.task_id} was sent to a device but has none`);
        holdName.run(row);
        toReady.run(row.device, arrivals(row.device), row.seq);
        tasks.note(row.task_id, verdict.message);
        announce({ kind: "ready", device: row.device });
        break;
      case "site":
        toSite.run(row.seq);
        announce({ kind: "site" });
        break;
    }
    return verdict.kind;
  }

  function promote(tenantId: string): void {
    while (running.get(tenantId) === undefined) {
      const next = oldestWaiting.get(tenantId);
      if (next === undefined || carryOut(next) === "wait") return;
    }
    // The rest waits on, for another one than before.
    for (const row of waiting.all(tenantId)) {
      const verdict = judge(toNewConversion(row, sealer), readFacts(row));
      if (verdict.kind === "wait") tasks.note(row.task_id, verdict.message);
    }
  }

  return {
    preview(conversion) {
      const { tenantId, gateway, shortName } = conversion;
      const device = conversion.device ?? gateways.deviceOf(gateway);
      const row = {
        tenant_id: tenantId.toLowerCase(),
        seq: Number.MAX_SAFE_INTEGER,
        gateway,
        device,
        short_name: shortName,
        accepted_at: connection.now(),
      };
      return judge({ ...conversion, device }, readFacts(row));
    },
    take(row) {
      const kind = carryOut(row);
      if (kind === "failed" || kind === "already-converted") promote(row.tenant_id);
      return kind;
    },
    end(row, result, completion) {
      close(row, result, completion);
      promote(row.tenant_id);
    },
    promote,
  };
}

type FactsRow = Pick<ConversionRow, "tenant_id" | "seq" | "gateway" | "device" | "short_name" | "accepted_at">;

function openFacts({ db }: Connection, gateways: Gateways): (row: FactsRow) => Facts {
  const lead = db.prepare<[string], LeadRow>("SELECT * FROM leads WHERE tenant_id = ?");
  const customer = db.prepare<[string], CustomerRow>("SELECT * FROM customers WHERE tenant_id = ?");
  const older = db.prepare<[string, number], { task_id: string }>(
    "SELECT task_id FROM conversions WHERE tenant_id = ? AND seq < ? AND state <> 'ended' ORDER BY seq LIMIT 1",
  );
  // Of the last of its links: a customer that stays on another device is still one. `state <> 'ended'` is what the
  // partial indexes go by.
  const leaving = db.prepare<[string], { task_id: string }>(
    `SELECT task_id FROM amendments AS removal
     WHERE customer_guid = ? AND kind = 'removal' AND state = 'ready' AND state <> 'ended' AND NOT EXISTS (
       SELECT 1 FROM links WHERE links.customer_guid = removal.customer_guid AND NOT EXISTS (
         SELECT 1 FROM amendments AS other
         WHERE other.customer_guid = links.customer_guid AND other.device = links.device
           AND other.kind = 'removal' AND other.state <> 'ended'))
     ORDER BY seq DESC LIMIT 1`,
  );
  const holder = db.prepare<[string | null, string], { short_name: string; tenant_id: string }>(
    "SELECT short_name, tenant_id FROM names WHERE device = ? AND name = lower(?)",
  );

  return (row) => {
    const leadRow = lead.get(row.tenant_id);
    const customerRow = customer.get(row.tenant_id);
    const olderRow = older.get(row.tenant_id, row.seq);
    const leavingRow = customerRow && leaving.get(customerRow.guid);
    const held = holder.get(row.device, row.short_name);
    return {
      lead: leadRow && toLead(leadRow),
      customer: customerRow && toCustomer(customerRow),
      older: olderRow && { taskId: olderRow.task_id },
      leaving: leavingRow && { taskId: leavingRow.task_id },
      nameHolder: held && { shortName: held.short_name, tenantId: held.tenant_id },
      gatewayAwaited: row.device === null && row.gateway !== null && gateways.isAwaited(row.accepted_at),
    };
  };
}

function toNewConversion(row: ConversionRow, sealer: Sealer): NewConversion {
  return {
    tenantId: row.tenant_id,
    variant: row.variant,
    shortName: row.short_name,
    fullName: row.full_name,
    gateway: row.gateway,
    proxySet: row.proxy_set,
    variables: readJson.fields(row.variables),
    secrets: openFields(sealer, row.secrets),
    device: row.device,
  };
}
