import type { AmendmentStore, Change } from "../amendment.ts";
import { amendmentWords } from "../amendment-words.ts";
import type { Sealer } from "../seal.ts";
import type { AmendmentEnds } from "./amendment-ends.ts";
import type { Arrivals } from "./arrivals.ts";
import type { AuditTrail } from "./audit.ts";
import type { Connection } from "./connection.ts";
import type { Departures } from "./departures.ts";
import { toAmendment, type AmendmentRow, type ConversionRow, type CustomerRow } from "./rows.ts";
import { sealFields } from "./sealed-fields.ts";
import type { Tasks } from "./tasks.ts";
import type { Turns } from "./turns.ts";

interface AmendmentsParts {
  connection: Connection;
  tasks: Tasks;
  turns: Turns;
  ends: AmendmentEnds;
  departures: Departures;
  arrivals: Arrivals;
  audit: AuditTrail["append"];
  sealer: Sealer;
}

/** What is asked for customers that exist. */
export function keepAmendments(parts: AmendmentsParts): AmendmentStore {
  const { connection, tasks, turns, ends, departures, arrivals, audit, sealer } = parts;
  const { db, now, write, announce } = connection;
  const customers = db.prepare<[string], CustomerRow>("SELECT * FROM customers WHERE guid = ?");
  const linksOf = db.prepare<[string], { device: string; short_name: string }>(
    "SELECT device, short_name FROM links WHERE customer_guid = ? ORDER BY seq",
  );
  const siteOf = db.prepare<[string], ConversionRow>(
    "SELECT * FROM conversions WHERE customer_guid = ? AND state = 'site'",
  );
  const draw = db.prepare<[], { number: number }>(
    `INSERT INTO facts (key, value) VALUES ('amendment tasks', '1')
     ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING CAST(value AS INTEGER) AS number`,
  );
  const insert = db.prepare(
    `INSERT INTO amendments (task_id, kind, customer_guid, tenant_id, short_name, device, asked_by, change, secrets,
       state, arrival, accepted_at)
     VALUES (@taskId, @kind, @guid, @tenantId, @shortName, @device, @by, @change, @secrets, 'ready', @arrival, @at)`,
  );
  // Chosen for it: by itself SQLite would walk through all that ever ended.
  const open = db.prepare<[], AmendmentRow>(
    "SELECT * FROM amendments INDEXED BY amendments_open WHERE state <> 'ended' ORDER BY seq",
  );
  const ofCustomer = db.prepare<[string], AmendmentRow>(
    "SELECT * FROM amendments WHERE customer_guid = ? AND state <> 'ended' ORDER BY seq",
  );
  const byTask = db.prepare<[string], AmendmentRow>("SELECT * FROM amendments WHERE task_id = ? ORDER BY seq LIMIT 1");

  const openOf = (customerGuid: string, device: string): AmendmentRow[] =>
    ofCustomer.all(customerGuid).filter((row) => row.state === "ready" && row.device === device);

  function newTask(): string {
    const taskId = `tsk_${draw.get()?.number ?? 0}`;
    tasks.create(taskId, now());
    return taskId;
  }

  interface Asked {
    taskId: string;
    customer: CustomerRow;
    device: string;
    by: string;
    change?: { change: Change; secrets: string | null };
  }

  function store({ taskId, customer, device, by, change }: Asked): void {
    const { guid, tenant_id: tenantId, short_name: shortName } = customer;
    const [before] = openOf(guid, device);
    insert.run({
      taskId,
      kind: change === undefined ? "removal" : "change",
      guid,
      tenantId,
      shortName,
      device,
      by,
      change: change === undefined ? null : JSON.stringify(change.change),
      secrets: change?.secrets ?? null,
      arrival: arrivals(device),
      at: now(),
    });
    tasks.note(
      taskId,
      before === undefined
        ? amendmentWords.accepted({ shortName, device })
        : amendmentWords.behind({ device, taskId: before.task_id }),
    );
    announce({ kind: "ready", device });
  }

  function dismiss(customer: CustomerRow): string {
    const taskId = newTask();
    tasks.finish(taskId, {
      status: "CompletedSuccess",
      details: [],
      messages: [amendmentWords.goneAtOnce(customer.short_name)],
      umpCustomerGuid: customer.guid,
    });
    departures.leave({ customerGuid: customer.guid, tenantId: customer.tenant_id }, null);
    announce({ kind: "amended", taskId, device: null, result: "removed" });
    return taskId;
  }

  /** Removals that are under way are joined; where none is, there is a new one, and one task for all of these. */
  function remove(customer: CustomerRow, devices: readonly string[], by: string): string {
    const under = new Map(
      ofCustomer
        .all(customer.guid)
        .filter(({ kind, state }) => kind === "removal" && state === "ready")
        .map(({ device, task_id }) => [device, task_id]),
    );
    const joined = devices.flatMap((device) => {
      const taskId = under.get(device);
      return taskId === undefined ? [] : [{ device, taskId }];
    });
    const rest = devices.filter((device) => !under.has(device));
    if (rest.length === 0 && joined[0] !== undefined) return joined[0].taskId;
    const taskId = newTask();
    endSite(customer, taskId);
    for (const other of joined) tasks.note(taskId, amendmentWords.elsewhere(other));
    for (const device of rest) store({ taskId, customer, device, by });
    return taskId;
  }

  /** Before a removal is there: whoever waits for this conversion is told that the tenant is a customer already. */
  function endSite(customer: CustomerRow, taskId: string): void {
    const row = siteOf.get(customer.guid);
    if (row === undefined) return;
    const messages = [amendmentWords.siteLeftOut(customer.short_name, taskId)];
    const umpCustomerGuid = customer.guid;
    turns.end(row, { status: "CompletedSuccess", details: ["Converted"], messages, umpCustomerGuid }, row.completion);
  }

  return {
    async removeCustomer({ customerGuid, device, by, forgetDevice }) {
      return write(() => {
        const customer = customers.get(customerGuid.toLowerCase());
        if (customer === undefined) return { kind: "unknown" };
        const { guid, tenant_id: tenantId, short_name: shortName } = customer;
        const linked = linksOf.all(guid).map((link) => link.device);
        const devices = device === undefined ? linked : linked.filter((name) => name === device);
        if (device !== undefined && devices.length === 0) return { kind: "unknown" };
        const taskId = linked.length === 0 ? dismiss(customer) : remove(customer, devices, by);
        for (const name of linked.length === 0 ? [null] : devices)
          audit({
            event: "removal",
            device: name,
            taskId,
            who: by,
            data: { customerGuid: guid, tenantId, shortName, forgetDevice },
          });
        if (forgetDevice)
          for (const removal of devices.flatMap((name) => openOf(guid, name)).filter(({ kind }) => kind === "removal"))
            ends.giveUp(removal);
        return { kind: "asked", taskId };
      });
    },

    async changeCustomer({ customerGuid, device, by, change, secrets }) {
      return write(() => {
        const customer = customers.get(customerGuid.toLowerCase());
        if (customer === undefined) return { kind: "unknown" };
        const linked = linksOf.all(customer.guid).filter((link) => device === undefined || link.device === device);
        const [link, other] = linked;
        if (link === undefined) return { kind: "unknown" };
        if (other !== undefined) return { kind: "ambiguous" };
        const removal = openOf(customer.guid, link.device).find(({ kind }) => kind === "removal");
        if (removal !== undefined) return { kind: "leaving", taskId: removal.task_id };
        const taskId = newTask();
        const sealed = { change, secrets: sealFields(sealer, secrets) };
        store({ taskId, customer, device: link.device, by, change: sealed });
        audit({
          event: "change",
          device: link.device,
          taskId,
          who: by,
          data: {
            customerGuid: customer.guid,
            tenantId: customer.tenant_id,
            shortName: customer.short_name,
            ...change,
            secrets: Object.keys(secrets),
          },
        });
        return { kind: "asked", taskId };
      });
    },

    async openAmendments({ customerGuid, device }) {
      const rows = customerGuid === undefined ? open.all() : ofCustomer.all(customerGuid.toLowerCase());
      return rows.filter((row) => device === undefined || row.device === device).map(toAmendment);
    },

    async amendment(taskId) {
      const row = byTask.get(taskId);
      return row === undefined ? undefined : toAmendment(row);
    },
  };
}
