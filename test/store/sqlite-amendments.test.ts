import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judge } from "../../agent/portal/rules.ts";
import { findSite, printSites } from "../../agent/portal/site-locations.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { migrations } from "../../agent/store/sqlite/migrations.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { Completion, StoreEvent } from "../../agent/store/portal-store.ts";
import type { Store } from "../../agent/store/store.ts";
import {
  changed,
  deadlineMs,
  failed,
  failure,
  information,
  linked,
  newConversion,
  present,
  removed,
} from "./contract/setting.ts";

let folder: string;
let file: string;
let store: Store;
const sealer = openSealer(randomBytes(32));

function open(): Store {
  return openSqliteStore({ file, judge, sealer, deadlineMs, keepSecrets: true });
}

/** Works on the file behind the store's back. */
function tamper(work: (db: Database.Database) => void): void {
  const db = new Database(file);
  try {
    work(db);
  } finally {
    db.close();
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  file = join(folder, "store.db");
  store = open();
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function claim(device: string) {
  const result = await store.claimDevice(device, { holder: "agent", durationMs: 60_000, graceMs: 0, max: 9 });
  if (result.kind === "held") throw new Error(`${device} is held`);
  return result.claim;
}

async function end(device: string, completionOf: (task: { taskId: string }) => Completion): Promise<void> {
  const { lease, amendments } = await claim(device);
  await store.complete(
    lease,
    amendments.map((task) => completionOf(task)),
  );
  await store.releaseLease(lease);
}

async function convert() {
  const wanted = newConversion();
  await store.createLead({ tenantId: wanted.tenantId, companyName: wanted.tenantId });
  const { taskId } = await store.accept(wanted);
  const { lease, conversions } = await claim("sbc-1");
  const conversion = present(conversions[0]);
  await store.complete(lease, [linked(conversion)]);
  await store.releaseLease(lease);
  await store.completeSite(taskId, []);
  return conversion;
}

/** A customer on sbc-1 and sbc-2. */
async function convertOnTwo() {
  const conversion = await convert();
  tamper((db) =>
    db.exec(`
      INSERT INTO names (device, name, tenant_id, short_name) SELECT 'sbc-2', name, tenant_id, short_name FROM names;
      INSERT INTO links (customer_guid, tenant_id, short_name, device, held_name, gateway, intent, variables, proxy_set,
        full_name, secret_hashes, secrets, linked_at)
      SELECT customer_guid, tenant_id, short_name, 'sbc-2', held_name, gateway, intent, variables, proxy_set, full_name,
        secret_hashes, secrets, linked_at FROM links;`),
  );
  return conversion;
}

const ask = async (customerGuid: string, more: { device?: string; forgetDevice?: boolean } = {}): Promise<string> => {
  const answer = await store.removeCustomer({ customerGuid, by: "ann", forgetDevice: false, ...more });
  if (answer.kind !== "asked") throw new Error(answer.kind);
  return answer.taskId;
};
const devicesOf = (all: readonly { device: string }[]) => all.map(({ device }) => device);
const kindOf = async (tenantId: string) => (await store.judge({ ...newConversion(), tenantId })).kind;

describe("a customer on several devices", () => {
  it("is removed by one task, which ends with the last of them; then the customer is gone", async () => {
    const { customerGuid, tenantId } = await convertOnTwo();
    const events: StoreEvent[] = [];
    store.watch((event) => events.push(event));
    const taskId = await ask(customerGuid);
    expect(devicesOf(await store.openAmendments({}))).toEqual(["sbc-1", "sbc-2"]);
    await end("sbc-2", removed);
    expect(await store.task(taskId)).toMatchObject({ status: "InProgress" });
    expect(devicesOf(await store.links({}))).toEqual(["sbc-1"]);
    expect(await kindOf(tenantId)).toBe("wait");
    await end("sbc-1", removed);

    expect(await store.task(taskId)).toMatchObject({
      status: "CompletedSuccess",
      details: [],
      messages: [information("gone"), information("gone")],
    });
    expect(await store.customers()).toEqual([]);
    expect(events).toEqual([
      { kind: "ready", device: "sbc-1" },
      { kind: "ready", device: "sbc-2" },
      { kind: "amended", taskId, device: "sbc-1", result: "removed" },
    ]);
  });

  it("stays where one of them failed, and the task tells what came of each", async () => {
    const { customerGuid, tenantId } = await convertOnTwo();
    const taskId = await ask(customerGuid);
    await end("sbc-1", (task) => failed(task, [failure("routing names it")]));
    expect(await store.task(taskId)).toMatchObject({ status: "InProgress" });
    await end("sbc-2", removed);

    expect(await store.task(taskId)).toMatchObject({
      status: "CompletedFailed",
      details: ["Failed"],
      messages: [failure("routing names it"), information("gone")],
    });
    expect(devicesOf(await store.links({}))).toEqual(["sbc-1"]);
    expect(await kindOf(tenantId)).toBe("already-converted");
  });

  it("whose first one failed long ago is not taken for removed when the last one is", async () => {
    const { customerGuid } = await convertOnTwo();
    const taskId = await ask(customerGuid);
    await end("sbc-1", failed);
    tamper((db) => db.exec("UPDATE amendments SET ended_at = 1 WHERE state = 'ended'"));
    await store.prune(1_000);
    await end("sbc-2", removed);

    expect(await store.task(taskId)).toMatchObject({ status: "CompletedFailed" });
  });

  it("can be removed from one of them, and is a customer still", async () => {
    const { customerGuid, tenantId } = await convertOnTwo();
    const first = await ask(customerGuid, { device: "sbc-1" });
    expect(await kindOf(tenantId)).toBe("already-converted");
    const second = await ask(customerGuid);
    expect((await store.task(second))?.messages).toMatchObject([
      { message: expect.stringContaining(first) as string },
      { message: expect.stringContaining("sbc-2") as string },
    ]);
    expect(await kindOf(tenantId)).toBe("wait");
    expect(await ask(customerGuid, { device: "sbc-2" })).toBe(second);
    await end("sbc-1", removed);

    expect(await store.task(first)).toMatchObject({ status: "CompletedSuccess" });
    expect(await store.task(second)).toMatchObject({ status: "InProgress" });
    expect(await store.customers()).toHaveLength(1);
  });

  it("can be given up on one of them while the other is under way", async () => {
    const { customerGuid } = await convertOnTwo();
    const taskId = await ask(customerGuid);
    expect(await ask(customerGuid, { device: "sbc-1", forgetDevice: true })).toBe(taskId);
    expect(await store.task(taskId)).toMatchObject({ status: "InProgress" });
    await end("sbc-2", removed);
    const task = await store.task(taskId);

    expect(task).toMatchObject({ status: "CompletedSuccess", messages: [{ level: "Warning" }, information("gone")] });
    expect(await store.customers()).toEqual([]);
    await end("sbc-1", removed);
    expect(await store.task(taskId)).toEqual(task);
    expect(await store.openAmendments({})).toEqual([]);
  });

  it("can be given up on all of them at once, with what waits for its tenant", async () => {
    const { customerGuid, tenantId } = await convertOnTwo();
    await ask(customerGuid);
    const waiting = await store.accept({ ...newConversion(), tenantId });
    expect(waiting.verdict).toBe("wait");
    await ask(customerGuid, { forgetDevice: true });

    expect(await store.openAmendments({})).toMatchObject([{ state: "owed" }, { state: "owed" }]);
    expect(await store.conversion(waiting.taskId)).toMatchObject({ state: "ready" });
  });

  it("is changed where the device is named, and not by guess", async () => {
    const { customerGuid } = await convertOnTwo();
    const change = { customerGuid, by: "bob", change: { variables: {} }, secrets: {} };
    expect(await store.changeCustomer(change)).toEqual({ kind: "ambiguous" });
    await ask(customerGuid, { device: "sbc-1" });
    const asked = await store.changeCustomer({ ...change, device: "sbc-2" });
    expect(asked).toMatchObject({ kind: "asked" });
    const { lease, amendments } = await claim("sbc-2");
    const before = present(amendments[0]).link;
    await store.complete(lease, [changed(present(amendments[0]), { ...before, proxySet: "Other" })]);

    expect((await store.links({})).map(({ device, proxySet }) => [device, proxySet])).toEqual([
      ["sbc-1", "Carrier"],
      ["sbc-2", "Other"],
    ]);
  });

  it("has a site id for each, which stays its own when the other site is gone", async () => {
    const { customerGuid } = await convert();
    const alone = printSites(await store.links({}), []);
    expect(alone).toMatchObject([{ id: customerGuid }]);
    await ask(customerGuid, { forgetDevice: true });
    const other = await convertOnTwo();
    const links = await store.links({});
    const ids = printSites(links, []).map(({ id }) => id);
    expect(new Set([...ids, other.customerGuid]).size).toBe(3);
    expect(await findSite(store, other.customerGuid)).toEqual({ kind: "ambiguous", ids });
    for (const [i, id] of ids.entries())
      expect(await findSite(store, id.toUpperCase())).toEqual({ kind: "found", link: links[i] });
    await ask(other.customerGuid, { device: "sbc-1", forgetDevice: true });

    expect(await findSite(store, ids[0] ?? "")).toEqual({ kind: "unknown" });
    for (const id of [ids[1] ?? "", other.customerGuid])
      expect(await findSite(store, id)).toMatchObject({ kind: "found", link: { device: "sbc-2" } });
    expect(await findSite(store, randomUUID())).toEqual({ kind: "unknown" });
  });
});

/** The rows of a customer, of a conversion that waits, and of an agent's books, as schema step 1 has them. */
const rowsOfStepOne = `
  INSERT INTO leads VALUES (1, 'lead-1', 'tenant-1', 'Acme', 'acme', 'Active', 1, 10, 20, 'guid-1');
  INSERT INTO customers VALUES (1, 'guid-1', 'tenant-1', 'Acme', 'Acme Ltd', 20);
  INSERT INTO names VALUES ('sbc-1', 'acme', 'tenant-1', 'Acme'), ('sbc-1', 'other', 'tenant-2', 'Other');
  INSERT INTO links VALUES (1, 'guid-1', 'tenant-1', 'Acme', 'sbc-1', 'acme', 'oc1.example.com',
    '{"customerGuid":"guid-1","tenantId":"tenant-1","shortName":"Acme","blueprint":{"name":"b","hash":"h"},"rows":[]}',
    '{"Region":"north"}', 'Carrier', 'Acme Ltd', '{}', NULL, 20);
  INSERT INTO tasks VALUES ('wst_1', 'CompletedSuccess', '["Converted"]', '[]', 'guid-1', 10),
    ('wst_2', 'InProgress', '[]', '[]', NULL, 30);
  INSERT INTO conversions (task_id, tenant_id, customer_guid, variant, short_name, full_name, variables, device, arrival,
    state, held_name, accepted_at, deadline_at, ended_at)
  VALUES ('wst_1', 'tenant-1', 'guid-1', 'ip-group', 'Acme', 'Acme Ltd', '{}', 'sbc-1', 1, 'ended', NULL, 10, 99, 20),
    ('wst_2', 'tenant-2', 'guid-2', 'ip-group', 'Other', 'Other', '{}', 'sbc-1', 2, 'ready', 'other', 30, 99, NULL);
  INSERT INTO run_records VALUES (1, 'record-1', 'run-1', 'sbc-1', 1, '123', 'written', '["wst_2"]', '[]', '[]', 40, NULL);
  INSERT INTO unreported_tasks VALUES ('wst_3', 'sbc-3');
  INSERT INTO logins VALUES (1, 'sbc-1', 'hash', 1);
  INSERT INTO audit VALUES (1, 15, 'write', 'sbc-1', 'wst_1', 'run-1', '{}');
`;

describe("a store file of the first schema", () => {
  it("is brought up to date with all that stands in it, and its customers can be removed", async () => {
    await store.close();
    rmSync(file);
    tamper((db) => {
      db.pragma(`application_id = 1396851521`);
      db.exec(present(migrations[0]));
      db.exec(rowsOfStepOne);
      db.pragma("user_version = 1");
    });
    store = open();

    expect(await store.customers()).toMatchObject([{ guid: "guid-1", shortName: "Acme" }]);
    expect(await store.links({})).toMatchObject([{ customerGuid: "guid-1", variables: { Region: "north" } }]);
    expect(await store.task("wst_1")).toMatchObject({ status: "CompletedSuccess", umpCustomerGuid: "guid-1" });
    expect(await store.auditTrail({ device: "sbc-1", limit: 9 })).toMatchObject([
      { at: 15, event: "write", who: "run-1" },
    ]);
    expect(await store.loginFailures()).toEqual([{ device: "sbc-1", failures: 1 }]);
    expect(await store.unsavedSince()).toEqual([{ device: "sbc-1", since: 40 }]);
    tamper((db) =>
      expect(db.prepare("SELECT * FROM unreported_tasks").all()).toEqual([{ task_id: "wst_3", device: "sbc-3" }]),
    );
    const taskId = await ask("guid-1");
    const { lease, conversions, amendments, links, unresolved } = await claim("sbc-1");
    expect(conversions).toMatchObject([{ taskId: "wst_2" }]);
    expect(amendments).toMatchObject([{ taskId, link: { customerGuid: "guid-1" } }]);
    expect([links, unresolved]).toMatchObject([[], [{ id: "record-1", state: "abandoned" }]]);
    await store.complete(lease, [removed({ taskId })]);

    expect(await store.customers()).toEqual([]);
    expect(await store.leads({ skip: 0, take: 9 })).toMatchObject([{ tenantId: "tenant-1", umpCustomerGuid: null }]);
  });
});
