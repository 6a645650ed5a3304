import { describe, expect, it } from "vitest";
import { explainAmendment, type AmendmentFacts, type AmendmentSubject } from "../../agent/explanation/amendment.ts";
import { explainCustomer, explainLead } from "../../agent/explanation/customer.ts";
import { explainDevice, type DeviceFacts } from "../../agent/explanation/device.ts";
import { quote } from "../../agent/explanation/explanation.ts";
import { explainConversion, type ConversionFacts } from "../../agent/explanation/task.ts";
import type { AnnouncedReport, DeviceReport } from "../../agent/reports.ts";
import type { Conversion, Task } from "../../agent/store/model.ts";
import { makeDevice } from "../cli/reports.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const error = (code: string) => ({ at: "2026-03-01T11:59:00.000Z", code, message: `it said ${code}.` });
const soon = "2026-03-01T12:00:30.000Z";

const here = (parts: Partial<DeviceReport> = {}, heldBy?: { holder: string; until: number }): DeviceFacts => ({
  where: "here",
  device: "sbc-1",
  report: makeDevice(parts),
  heldBy,
});

const elsewhere = (parts: Partial<AnnouncedReport> = {}, heldBy?: { holder: string; until: number }): DeviceFacts => ({
  where: "elsewhere",
  device: "sbc-1",
  report: {
    device: "sbc-1",
    agent: "near",
    version: "1.2.3",
    gateways: [],
    standing: false,
    heardAt: "2026-03-01T11:59:57Z",
    queue: 0,
    oldestPendingSeconds: 0,
    linked: 0,
    ...parts,
  },
  heldBy,
});

const lease = { holder: "other/1", until: now + 60_000 };
const pause = { reason: "upgrade\ntonight", by: "ann", since: "2026-03-01T11:00:00Z" };

describe("a device", () => {
  it.each<[string, DeviceFacts, string, RegExp, string | null]>([
    [
      "that is paused",
      here({ mode: "paused", pause, lastError: error("unreachable"), state: "waiting" }),
      "paused",
      /^Device sbc-1 is paused by ann since 2026-03-01T11:00:00Z: upgrade; nothing waits for it, deadlines stand still until then; a human can end it with 'sbc-agent resume sbc-1 --reason TEXT'\.$/,
      "end it with 'sbc-agent resume sbc-1 --reason TEXT'",
    ],
    ["that is observed", here({ mode: "observe" }), "observed", /only observed/, "mode: manage"],
    [
      "with a run under way",
      here({ state: "running", lastError: error("timeout") }),
      "running",
      /has a run under way/,
      null,
    ],
    [
      "that refused the log-in",
      here({ state: "waiting", lastError: error("auth"), loginFailures: 2 }),
      "blocked",
      /waits for an operator \(auth: it said auth\); .*nothing is tried until then/,
      "correct the account or its password where it is kept, then say 'sbc-agent resume sbc-1 --reason TEXT'",
    ],
    [
      "that is another",
      here({ state: "waiting", lastError: error("identity") }),
      "blocked",
      /identity/,
      "enroll sbc-1",
    ],
    [
      "with a fault of another kind",
      here({ state: "waiting", lastError: error("limit") }),
      "blocked",
      /limit/,
      "resume",
    ],
    [
      "that cannot be reached",
      here({ state: "waiting", lastError: error("unreachable"), nextTryAt: soon, queue: 2 }),
      "retrying",
      /cannot be worked on now \(unreachable: it said unreachable\); 2 tasks wait for it, it is tried again at 2026-03-01T12:00:30Z/,
      "see that sbc-1 runs and can be reached from here, and try at once with 'sbc-agent resume sbc-1 --reason TEXT'",
    ],
    [
      "with unsaved edits of others",
      here({ state: "waiting", lastError: error("foreign-edits"), nextTryAt: soon, queue: 1 }),
      "retrying",
      /1 task waits for it/,
      "save or discard the changes",
    ],
    ["that another agent holds", here({}, lease), "held", /which other\/1 holds until 2026-03-01T12:01:00Z/, null],
    [
      "that was held a moment ago",
      here({ state: "waiting", nextTryAt: soon }),
      "held",
      /tried again at .*12:00:30Z/,
      null,
    ],
    [
      "at rest",
      here(),
      "idle",
      /^Device sbc-1 is idle, has 120 linked customers \(none differed at 2026-03-01T03:00:00Z\); nothing waits for it\.$/,
      null,
    ],
    [
      "that drifted",
      here({ drift: { checkedAt: soon, updatedAt: null, drifted: 2, stale: false, afterRestart: false } }),
      "drifted",
      /\(2 differed at/,
      "resync --device",
    ],
    [
      "that started anew",
      here({ driftDue: true }),
      "idle",
      /none differed at 2026-03-01T03:00:00Z, and a check is due since/,
      null,
    ],
    ["never compared", here({ drift: null, linked: 1 }), "idle", /1 linked customer \(never compared/, null],
    [
      "with an unsaved write",
      here({ unsavedSeconds: 80.4 }),
      "unsaved",
      /a write of 80 s ago.*; .*the next run saves/,
      null,
    ],
    [
      "that failed last",
      here({ lastError: error("busy") }),
      "idle",
      /failed last at 2026-03-01T11:59:00Z \(busy: /,
      null,
    ],
    ["that counts log-ins", here({ loginFailures: 1 }), "idle", /counts 1 refused log-in,/, null],
    [
      "of an agent elsewhere",
      elsewhere(),
      "served elsewhere",
      /is served by agent 'near', which was heard of 3 s ago/,
      "explain sbc-1' there",
    ],
    [
      "of a silent agent",
      elsewhere({ heardAt: "2026-03-01T11:58:00Z" }),
      "silent",
      /last heard of 120 s ago/,
      "see that it runs",
    ],
    [
      "that its agent lets stand",
      elsewhere({ standing: true }),
      "standing",
      /is paused, or only observed, by agent 'near'/,
      "there",
    ],
    ["that its agent works on", elsewhere({}, lease), "running", /has a run of agent 'near' under way/, "there"],
    [
      "that nobody serves",
      { where: "nowhere", device: "sbc-1" },
      "unserved",
      /no agent ever announced it/,
      "start the agent",
    ],
  ])("%s: state, sentence, and what a human can do", (_, facts, state, sentence, humanCan) => {
    const explained = explainDevice("sbc-1", facts, now);
    expect(explained).toMatchObject({ subject: "sbc-1", kind: "device", state });
    expect(explained.sentence).toMatch(sentence);
    expect(explained.sentence).toMatch(/^[^\n]*[^.]\.$/);
    if (humanCan === null) expect(explained.humanCan).toBeNull();
    else expect(explained.humanCan).toContain(humanCan);
  });
});

const conversion = (parts: Partial<Conversion> = {}): Conversion => ({
  taskId: "wst_2",
  tenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3",
  customerGuid: "3aae7841-12d1-4341-a7f1-867f1dd0ba0c",
  variant: "ip-group",
  shortName: "Acme",
  fullName: "Acme",
  gateway: "oc1.example.com",
  proxySet: "SIPTrunk",
  variables: {},
  device: "sbc-1",
  state: "ready",
  acceptedAt: now - 60_000,
  deadlineAt: now + 3_600_000,
  sent: false,
  ...parts,
});

type EndedTask = Pick<Task, "status" | "details" | "messages">;
const ended = (status: Task["status"], details: string[], ...messages: Task["messages"]): EndedTask => ({
  status,
  details,
  messages,
});

const facts = (parts: Partial<ConversionFacts> = {}): ConversionFacts => ({
  conversion: conversion(),
  task: ended("InProgress", []),
  behind: undefined,
  device: here(),
  gone: false,
  siteTrouble: undefined,
  ...parts,
});
const unreachable = { state: "waiting" as const, lastError: error("unreachable"), nextTryAt: soon };

describe("a conversion", () => {
  it.each<[string, ConversionFacts, string, RegExp, string | null]>([
    ["whose run is about to start", facts(), "ready", /waits for its run on device sbc-1, .*written, read back/, null],
    ["in the run", facts({ device: here({ state: "running" }) }), "running", /in this run or the next/, null],
    [
      "for a dead device, of which nothing was sent",
      facts({ device: here(unreachable) }),
      "retrying",
      /tried again at .*, and it fails at 2026-03-01T13:00:00Z if nothing of it was sent by then; a human can see/,
      "reached from here",
    ],
    [
      "for a dead device, of which lines were sent",
      facts({ conversion: conversion({ sent: true }), device: here(unreachable) }),
      "retrying",
      /lines of it were sent, so it ends when the device can be read and not by its deadline/,
      "reached from here",
    ],
    [
      "for a paused device",
      facts({ device: here({ mode: "paused", pause }) }),
      "paused",
      /deadlines stand still until then; a human can end it/,
      "resume sbc-1",
    ],
    [
      "for an agent elsewhere",
      facts({ device: elsewhere() }),
      "served elsewhere",
      /it takes what waits, and it fails/,
      "there",
    ],
    [
      "behind another",
      facts({ conversion: conversion({ state: "waiting" }), behind: "wst_1" }),
      "waiting",
      /^Task wst_2, the conversion of Acme, waits for task wst_1 of the same tenant; it is judged anew/,
      "sbc-agent explain wst_1",
    ],
    ["in line", facts({ conversion: conversion({ state: "waiting" }) }), "waiting", /its turn among the tasks/, null],
    [
      "without an agent",
      facts({ conversion: conversion({ state: "unplaced", device: null }) }),
      "unplaced",
      /an agent that announces gateway oc1\.example\.com/,
      "see that the agent runs",
    ],
    [
      "whose site is made",
      facts({ conversion: conversion({ state: "site" }) }),
      "site",
      /its site in OVOC; its device is done/,
      null,
    ],
    [
      "whose site cannot be made",
      facts({ conversion: conversion({ state: "site" }), siteTrouble: "Not in Ovoc yet: 401." }),
      "site",
      /its site in OVOC \(Not in Ovoc yet: 401\);/,
      "see that OVOC runs",
    ],
    [
      "that is done",
      facts({ conversion: conversion({ state: "ended" }), task: ended("CompletedSuccess", ["Converted"]) }),
      "converted",
      /^Task wst_2, the conversion of Acme, is done: it was converted\.$/,
      null,
    ],
    [
      "of a customer",
      facts({
        conversion: conversion({ state: "ended" }),
        task: ended("CompletedSuccess", ["CustomerAlreadyConverted"]),
      }),
      "already-converted",
      /the tenant was a customer already/,
      null,
    ],
    [
      "that failed",
      facts({
        conversion: conversion({ state: "ended" }),
        task: ended(
          "CompletedFailed",
          ["Failed"],
          { level: "Warning", message: "odd" },
          { level: "Error", message: "bad name.\nmore" },
        ),
      }),
      "failed",
      /, has failed: bad name; a human can correct that and ask for it again\.$/,
      "correct that",
    ],
    [
      "whose customer was removed since",
      facts({ conversion: conversion({ state: "ended" }), task: ended("CompletedSuccess", ["Converted"]), gone: true }),
      "gone",
      /was done; the customer that it made was removed since\.$/,
      null,
    ],
    [
      "that was forgotten",
      facts({ conversion: conversion({ state: "ended" }), task: undefined }),
      "ended",
      /has ended/,
      null,
    ],
  ])("%s: state, sentence, and what a human can do", (_, given, state, sentence, humanCan) => {
    const explained = explainConversion("wst_2", given, now);
    expect(explained).toMatchObject({ subject: "wst_2", kind: "conversion", state });
    expect(explained.sentence).toMatch(sentence);
    if (humanCan === null) expect(explained.humanCan).toBeNull();
    else expect(explained.humanCan).toContain(humanCan);
  });
});

const amendment = (parts: Partial<AmendmentSubject> = {}): AmendmentSubject => ({
  taskId: "tsk_7",
  kind: "removal",
  customerGuid: "3aae7841-12d1-4341-a7f1-867f1dd0ba0c",
  shortName: "Acme",
  device: "sbc-1",
  state: "ready",
  sent: false,
  ...parts,
});

describe("an amendment", () => {
  const given = (parts: Partial<AmendmentFacts> = {}): AmendmentFacts => ({
    amendment: amendment(),
    task: ended("InProgress", []),
    behind: undefined,
    device: here(),
    ...parts,
  });
  it.each<[string, AmendmentFacts, string, RegExp, string | null]>([
    [
      "that removes a customer",
      given(),
      "ready",
      /^Task tsk_7, the removal of customer Acme, waits for its run on device sbc-1, .*; its rows are removed, .*saved;/,
      null,
    ],
    [
      "that changes one",
      given({ amendment: amendment({ kind: "change" }) }),
      "ready",
      /the change of customer Acme.*the rows that differ/,
      null,
    ],
    ["in the run", given({ device: here({ state: "running" }) }), "running", /saved in this run or the next/, null],
    [
      "for a dead device",
      given({ device: here(unreachable) }),
      "retrying",
      /it is tried again at/,
      "reached from here",
    ],
    [
      "behind another",
      given({ behind: "tsk_6" }),
      "waiting",
      /waits for task tsk_6 of the same customer/,
      "explain tsk_6",
    ],
    [
      "that is owed",
      given({ amendment: amendment({ state: "owed" }), device: here(unreachable) }),
      "owed",
      /waits for the next contact with device sbc-1: the customer was given up/,
      "reached from here",
    ],
    [
      "that is done",
      given({ amendment: amendment({ state: "ended" }), task: ended("CompletedSuccess", []) }),
      "done",
      /is done\.$/,
      null,
    ],
    [
      "that failed",
      given({
        amendment: amendment({ state: "ended" }),
        task: ended("CompletedFailed", ["Failed"], { level: "Error", message: "ip2ip-routing 3 names it" }),
      }),
      "failed",
      /has failed: ip2ip-routing 3 names it; a human can correct that/,
      "correct that",
    ],
  ])("%s: state, sentence, and what a human can do", (_, facts, state, sentence, humanCan) => {
    const explained = explainAmendment("tsk_7", facts, now);
    expect(explained).toMatchObject({ subject: "tsk_7", kind: facts.amendment.kind, state });
    expect(explained.sentence).toMatch(sentence);
    if (humanCan === null) expect(explained.humanCan).toBeNull();
    else expect(explained.humanCan).toContain(humanCan);
  });
});

describe("a customer", () => {
  const customer = { guid: "3aae7841-12d1-4341-a7f1-867f1dd0ba0c", shortName: "Acme" };
  const linkTo = (device: DeviceFacts, differed?: boolean, linkedAt = now - 86_400_000) => ({
    link: { device: "sbc-1", linkedAt },
    device,
    differed,
  });
  const compared = (drifted: number, driftDue = false) =>
    here({
      drift: { checkedAt: "2026-03-01T03:00:00Z", updatedAt: null, drifted, stale: false, afterRestart: false },
      driftDue,
    });
  const explain = (parts: Partial<Parameters<typeof explainCustomer>[1]>) =>
    explainCustomer("acme", { customer, links: [], amending: undefined, converting: undefined, ...parts }, now);

  it("in sync is told since when it is linked, and when that was seen", () => {
    const { state, humanCan, sentence } = explain({ links: [linkTo(here())] });
    expect({ state, humanCan }).toEqual({ state: "in-sync", humanCan: null });
    expect(sentence).toBe(
      "Customer Acme (3aae7841-12d1-4341-a7f1-867f1dd0ba0c) is linked to device sbc-1 since 2026-02-28T12:00:00Z; " +
        "sbc-1 held what its customers need at 2026-03-01T03:00:00Z.",
    );
  });

  it.each<[string, DeviceFacts, string, string, boolean?, number?]>([
    ["it was one that drifted", compared(2), "drifted", "its rows on sbc-1 differed at 2026-03-01T03:00:00Z", true],
    ["others drifted", compared(2), "in-sync", "sbc-1 held what it needs at 2026-03-01T03:00:00Z, when others", false],
    ["too many drifted", compared(2), "unknown", "2 of the customers on sbc-1 differed"],
    ["a check is due", compared(0, true), "unknown", "a check is due since", false],
    ["a check is due, and it drifted", compared(1, true), "drifted", "its rows on sbc-1 differed", true],
    ["it was linked after others were compared", compared(1), "in-sync", "were read when it was linked", false, now],
    ["one of its name drifted before it was linked", compared(1), "in-sync", "read when it was linked", true, now],
    ["none was compared", here({ drift: null }), "unknown", "sbc-1 was never compared"],
    [
      "it was compared too long ago",
      here({ drift: { checkedAt: soon, updatedAt: null, drifted: 0, stale: true, afterRestart: false } }),
      "unknown",
      "too long ago to say",
    ],
    ["it is served elsewhere", elsewhere(), "unknown", "is known to the agent near that device"],
    ["it is paused", here({ mode: "paused", pause }), "in-sync", "(the device is paused now)"],
  ])("on a device of which %s is told so", (_, device, state, text, differed, linkedAt) => {
    const explained = explain({ links: [linkTo(device, differed, linkedAt)] });
    expect(explained.state).toBe(state);
    expect(explained.sentence).toContain(text);
    expect(explained.humanCan === null).toBe(state === "in-sync");
  });

  it("on two devices is as the worse of them", () => {
    const drifted = linkTo(compared(1), true);
    expect(explain({ links: [linkTo(here()), drifted] }).state).toBe("drifted");
  });

  it("without a device, with its site to come, and on its way out", () => {
    expect(explain({})).toMatchObject({ state: "unlinked", waitsFor: null });
    expect(explain({ links: [linkTo(here())], converting: "wst_1" }).next).toContain("task wst_1 still makes its site");
    expect(explain({ amending: { taskId: "tsk_1", kind: "removal", device: "sbc-1" } })).toMatchObject({
      state: "leaving",
      waitsFor: "task tsk_1, which removes it from device sbc-1",
      humanCan: expect.stringContaining("explain tsk_1") as string,
    });
  });

  it("to be is a lead, active or not", () => {
    const lead = { id: "1", tenantId: "t", companyName: "Acme & Co", consentless: true, createdAt: 0, modifiedAt: 0 };
    const told = (status: string) => explainLead("t", { ...lead, status, umpCustomerGuid: null });
    expect(told("Active")).toMatchObject({ kind: "lead", humanCan: expect.stringContaining("convert") as string });
    expect(told("Closed").sentence).toMatch(
      /^Tenant t \(Acme & Co\) is a lead of status Closed .*make the lead active/,
    );
  });
});

it("words of others fit into a sentence: one line, bounded, without its full stop", () => {
  expect(quote(" a b.\nc")).toBe("a b");
  expect(quote("wait...")).toBe("wait...");
  expect(quote("x".repeat(400))).toBe(`${"x".repeat(300)}...`);
});
