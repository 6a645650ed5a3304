import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect } from "vitest";
import type { Fields } from "../../../drivers/driver.ts";
import type { Change } from "../../../agent/store/amendment.ts";
import type {
  Announcement,
  ClaimedConversion,
  Conversion,
  ExecutionMessage,
  Link,
  Task,
} from "../../../agent/store/model.ts";
import type { Judge, NewConversion } from "../../../agent/store/judgement.ts";
import type { JournalStore } from "../../../agent/store/journal-store.ts";
import type { Claim, Completion } from "../../../agent/store/portal-store.ts";
import type { Store } from "../../../agent/store/store.ts";

/** What a store under test is opened with. */
export interface Setup {
  judge: Judge;
  now: () => number;
  deadlineMs: number;
  keepSecrets: boolean;
  gatewayWaitMs: number;
}

/** Somewhere to store, empty at first. Stores opened on it one after the other find what the earlier one left. */
export interface Place {
  open(setup: Setup): Promise<Store>;
  remove(): Promise<void>;
}

export type NewPlace = () => Promise<Place>;

export const durationMs = 60_000;
export const graceMs = 15_000;
export const deadlineMs = 4 * 3_600_000;
export const gatewayWaitMs = 15 * 60_000;
export const start = Date.UTC(2026, 0, 1);

export const information = (message: string): ExecutionMessage => ({ level: "Information", message });
export const warning = (message: string): ExecutionMessage => ({ level: "Warning", message });
export const failure = (message: string): ExecutionMessage => ({ level: "Error", message });

/** Rules like the portal's, shortened. */
const rules: Judge = (conversion, { lead, customer, older, leaving, nameHolder, gatewayAwaited }) => {
  if (older !== undefined) return { kind: "wait", message: information(`waits for ${older.taskId}`) };
  if (leaving !== undefined) return { kind: "wait", message: information(`waits for ${leaving.taskId}`) };
  if (customer !== undefined) return { kind: "already-converted", messages: [warning("Undo")] };
  if (lead?.status !== "Active")
    return { kind: "failed", details: ["ValidationFailed"], messages: [failure("no lead"), information("completed")] };
  if (nameHolder !== undefined)
    return { kind: "failed", details: ["Failed"], messages: [failure(`name of ${nameHolder.tenantId}`)] };
  if (conversion.variant === "tenant") return { kind: "site" };
  if (gatewayAwaited) return { kind: "unplaced", message: information("nobody has the gateway yet") };
  if (conversion.device === null)
    return { kind: "failed", details: ["Failed"], messages: [failure("no such gateway")] };
  return { kind: "device", message: information("queued") };
};

/** Somewhere with the books that every agent keeps, wherever its portal is. */
export interface BooksSetting {
  readonly store: JournalStore;
  now: number;
  /** Closes the store and opens it again in the same place. */
  reopen(): Promise<void>;
}

export interface Setting extends BooksSetting {
  readonly store: Store;
  judge: Judge;
  keepSecrets: boolean;
  /** Accepts a conversion of a new tenant that has a lead, unless told otherwise. */
  accept(changes?: Partial<NewConversion>): Promise<Conversion>;
  claim(device?: string, max?: number): Promise<Claim>;
  task(of: { taskId: string }): Promise<Task>;
  conversion(of: { taskId: string }): Promise<Conversion>;
  /** Accepts, claims, links and releases: a customer on `sbc-1` whose site is still to be made. */
  link(changes?: Partial<NewConversion>): Promise<ClaimedConversion>;
  /** A customer on `sbc-1`. */
  convert(changes?: Partial<NewConversion>): Promise<ClaimedConversion>;
  /** Asks that a customer be removed; resolves with the task. */
  remove(of: { customerGuid: string }, forgetDevice?: boolean): Promise<{ taskId: string }>;
  /** Asks that a customer be changed; resolves with the task. */
  change(of: { customerGuid: string }, change?: Partial<Change>, secrets?: Fields): Promise<{ taskId: string }>;
}

/**
 * Gives each test of the suite a store in a place of its own, with a clock and rules that the test may change. Agents
 * elsewhere are waited for only where `gatewayWaitMs` says so.
 */
export function inNewPlace(newPlace: NewPlace, gatewayWaitMs = 0): Setting {
  let place: Place | undefined;
  let store: Store | undefined;

  const setting: Setting = {
    get store() {
      if (store === undefined) throw new Error("no store outside a test");
      return store;
    },
    now: start,
    judge: rules,
    keepSecrets: true,

    async reopen() {
      await store?.close();
      store = await place?.open({
        judge: (conversion, facts) => setting.judge(conversion, facts),
        now: () => setting.now,
        deadlineMs,
        keepSecrets: setting.keepSecrets,
        gatewayWaitMs,
      });
    },

    async accept(changes) {
      const conversion = { ...newConversion(), ...changes };
      await setting.store.createLead({ tenantId: conversion.tenantId, companyName: `Company ${conversion.tenantId}` });
      const { taskId } = await setting.store.accept(conversion);
      return setting.conversion({ taskId });
    },

    async claim(device = "sbc-1", max = 200) {
      const result = await setting.store.claimDevice(device, { holder: "agent", durationMs, graceMs, max });
      if (result.kind === "held") throw new Error(`${device} is held for ${result.retryAfterMs} ms`);
      return result.claim;
    },

    task: async ({ taskId }) => present(await setting.store.task(taskId)),
    conversion: async ({ taskId }) => present(await setting.store.conversion(taskId)),

    async link(changes) {
      const { taskId } = await setting.accept(changes);
      const { lease, conversions } = await setting.claim();
      const conversion = present(conversions.find((claimed) => claimed.taskId === taskId));
      await setting.store.complete(lease, [linked(conversion)]);
      await setting.store.releaseLease(lease);
      return conversion;
    },

    async convert(changes) {
      const conversion = await setting.link(changes);
      await setting.store.completeSite(conversion.taskId, []);
      return conversion;
    },

    async remove({ customerGuid }, forgetDevice = false) {
      return asked(await setting.store.removeCustomer({ customerGuid, by: "ann", forgetDevice }));
    },

    async change({ customerGuid }, changes = {}, secrets = {}) {
      const change = { variables: {}, ...changes };
      return asked(await setting.store.changeCustomer({ customerGuid, by: "bob", change, secrets }));
    },
  };

  beforeEach(async () => {
    place = await newPlace();
    Object.assign(setting, { now: start, judge: rules, keepSecrets: true });
    await setting.reopen();
  });

  afterEach(async () => {
    await store?.close();
    await place?.remove();
    store = undefined;
  });

  return setting;
}

let drawn = 0;

export function newConversion(): NewConversion {
  drawn += 1;
  return {
    tenantId: randomUUID(),
    variant: "ip-group",
    shortName: `Site_${drawn}`,
    fullName: `Site ${drawn}`,
    gateway: "oc1.example.com",
    proxySet: "Carrier",
    variables: { Region: "north" },
    secrets: {},
    device: "sbc-1",
  };
}

/** The first agent's: `sbc-1` with the gateway of new conversions. */
export function announcement(changes?: Partial<Announcement>): Announcement {
  return {
    agent: "near",
    identity: "identity-1",
    version: "1.0.0",
    fresh: false,
    devices: [{ device: "sbc-1", gateways: ["oc1.example.com"], standing: false }],
    ...changes,
  };
}

export function linkOf(conversion: Conversion): Omit<Link, "linkedAt"> {
  const { customerGuid, tenantId, shortName, fullName } = conversion;
  return {
    customerGuid,
    tenantId,
    shortName,
    device: "sbc-1",
    gateway: "oc1.example.com",
    intent: {
      customerGuid,
      tenantId,
      shortName,
      blueprint: { name: "default", hash: "abc" },
      rows: [
        {
          table: "proxy-set",
          name: "Carrier",
          fields: { "proxy-name": "Carrier" },
          secretFields: {},
          role: "shared",
          children: [{ table: "proxy-ip", fields: { "proxy-address": "carrier.example.com" } }],
        },
        {
          table: "ip-group",
          name: shortName,
          fields: { tags: `Trunk=${tenantId}` },
          secretFields: { password: "CarrierUserPassword" },
          role: "own",
          children: [],
        },
      ],
    },
    variables: { Region: "north" },
    proxySet: "Carrier",
    fullName,
    secretHashes: { CarrierUserPassword: "hash" },
  };
}

export function linked(conversion: Conversion, messages = [information("done on the device")]): Completion {
  return { kind: "linked", taskId: conversion.taskId, link: linkOf(conversion), messages };
}

export function failed({ taskId }: { taskId: string }, messages = [failure("refused")]): Completion {
  return { kind: "failed", taskId, details: ["Failed"], messages };
}

export function removed({ taskId }: { taskId: string }, messages = [information("gone")]): Completion {
  return { kind: "removed", taskId, messages };
}

export function changed({ taskId }: { taskId: string }, link: Omit<Link, "linkedAt">): Completion {
  return { kind: "changed", taskId, link, messages: [information("changed")] };
}

function asked(answer: { kind: string; taskId?: string }): { taskId: string } {
  expect(answer).toMatchObject({ kind: "asked" });
  return { taskId: present(answer.taskId) };
}

export function present<T>(value: T | undefined): T {
  expect(value).toBeDefined();
  if (value === undefined) throw new Error("nothing there");
  return value;
}
