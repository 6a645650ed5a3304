import { describe, expect, it } from "vitest";
import { deviceSettings } from "./settings.ts";
import type { CustomerResult } from "../../agent/provisioning/apply.ts";
import {
  changedLinks,
  completions,
  gatherWork,
  planOptions,
  type RunRequest,
  type WorkContext,
} from "../../agent/provisioning/work.ts";
import type { ClaimedConversion, LinkWithSecrets } from "../../agent/store/model.ts";
import { blueprintNamed, shipped, carrier, carriers, intentOf, registering, subjectOf } from "./customers.ts";
import { configOf, neighbours, row } from "./device-fixture.ts";

const context: WorkContext = {
  device: deviceSettings,
  carriers,
  blueprint: blueprintNamed("oc-default"),
  blueprints: shipped,
  settings: { carrierPolicy: "report" },
  hash: (text) => `hash of ${text}`,
};
const convert: RunRequest = { kind: "convert", dryRun: false, endCalls: false, rerender: false };
const resync: RunRequest = { ...convert, kind: "resync" };
const config = configOf(neighbours);

function conversion(shortName: string, more: Partial<ClaimedConversion> = {}): ClaimedConversion {
  return {
    ...subjectOf(shortName),
    taskId: `wst_${shortName}`,
    variant: "ip-group",
    device: "sbc1",
    state: "ready",
    acceptedAt: 0,
    deadlineAt: 0,
    sent: false,
    ...more,
  };
}

function link(shortName: string, more: Partial<LinkWithSecrets> = {}): LinkWithSecrets {
  const subject = subjectOf(shortName);
  return { ...subject, device: "sbc1", intent: intentOf(subject), secretHashes: {}, linkedAt: 0, ...more };
}

const claim = (conversions: ClaimedConversion[], links: LinkWithSecrets[] = []) => ({
  conversions,
  amendments: [],
  links,
  unresolved: [],
});
const results = (of: Record<string, CustomerResult>) =>
  new Map(Object.entries(of).map(([name, result]) => [subjectOf(name).customerGuid, result]));
const converged = { kind: "converged", changed: true, warnings: [] } as const;

describe("the work of a run", () => {
  it("is the conversions of its claim, by customer", () => {
    const work = gatherWork(context, convert, claim([conversion("A"), conversion("B")], [link("L")]), config);
    expect(work.intents.map(({ intent, linked }) => [intent.shortName, linked])).toEqual([
      ["A", false],
      ["B", false],
    ]);
    expect([...work.taskIds.values()]).toEqual(["wst_A", "wst_B"]);
  });

  it("names what cannot be rendered, and leaves the others", () => {
    const work = gatherWork(context, convert, claim([conversion("A"), conversion('b"d')]), config);
    expect(work.intents.map(({ intent }) => intent.shortName)).toEqual(["A"]);
    expect([...work.refused.values()]).toEqual([expect.stringContaining("field 'name' of ip-group")]);
  });

  it("renders Proxy Set names in the device's spelling", () => {
    const there = configOf([
      ...neighbours,
      row("proxy-set", 7, { "proxy-name": "SIPTRUNK", "srd-name": "DefaultSRD" }),
    ]);
    const work = gatherWork(context, convert, claim([conversion("A")]), there);
    expect(work.intents[0]?.intent.rows.map(({ name }) => name)).toEqual(["SIPTRUNK", "A"]);
  });

  it("renders what rows refer to in the device's spelling", () => {
    const there = configOf(neighbours.map((r) => (r.table === "realm" ? { ...r, fields: { name: "mr_wan" } } : r)));
    const work = gatherWork(context, convert, claim([conversion("A")]), there);
    expect(work.intents[0]?.intent.rows[1]?.fields["media-realm-name"]).toBe("mr_wan");
  });

  it("of a re-sync is the kept intents of the links, and no conversion", () => {
    const kept = link("L");
    const work = gatherWork({ ...context, carriers: [] }, resync, claim([conversion("A")], [kept]), config);
    expect(work.intents.map(({ intent, linked }) => [intent, linked])).toEqual([[kept.intent, true]]);
    expect([...work.taskIds]).toEqual([]);
  });

  it("of a re-sync may be one customer's alone", () => {
    const request = { ...resync, customer: subjectOf("L").customerGuid };
    const work = gatherWork(context, request, claim([], [link("K"), link("L")]), config);
    expect(work.intents.map(({ intent }) => intent.shortName)).toEqual(["L"]);
  });

  it("of a re-sync is rendered anew on demand", () => {
    const changed = [carrier("SIPTrunk", "192.0.2.99")];
    const work = gatherWork(
      { ...context, carriers: changed },
      { ...resync, rerender: true },
      claim([], [link("L")]),
      config,
    );
    expect(work.intents[0]?.intent.rows[0]?.children[0]?.fields["proxy-address"]).toBe("192.0.2.99");
  });

  it("may be one that is only asked about", () => {
    const work = gatherWork(context, { ...convert, candidate: conversion("Q") }, claim([conversion("A")]), config);
    expect(work.intents.map(({ intent }) => intent.shortName)).toEqual(["Q"]);
  });

  it.each([
    ["was written and is unchanged", { CarrierUserPassword: "old" }, ["CarrierUserPassword"]],
    ["has changed since it was written", { CarrierUserPassword: "new" }, []],
    ["is not kept any more", {}, ["CarrierUserPassword"]],
  ])("knows a link's secret that %s", (_, secrets, expected) => {
    const kept = link("L", { secrets, secretHashes: { CarrierUserPassword: "hash of old" } });
    expect([...(gatherWork(context, resync, claim([], [kept]), config).intents[0]?.secretsWritten ?? [])]).toEqual(
      expected,
    );
  });

  it("takes a link's secret for unchanged where its value was not told, and can plan to write it all the same", () => {
    const kept = link("L", {
      secrets: { CarrierUserPassword: "********" },
      secretHashes: { CarrierUserPassword: "hash of old" },
    });
    const peek = { ...claim([], [kept]), secretsStruckOut: true as const };
    expect(gatherWork(context, resync, peek, config).intents[0]).toMatchObject({
      secrets: { CarrierUserPassword: "********" },
      secretsWritten: new Set(["CarrierUserPassword"]),
    });
  });

  it("allows a shared address to the carriers that say so, in any case of their name", () => {
    const allowing = { ...context, carriers: [{ ...carrier("SIPTrunk", "192.0.2.1"), allowSharedAddress: true }] };
    const { sharedAddressAllowed } = planOptions(allowing, convert, []);
    expect([sharedAddressAllowed("siptrunk"), sharedAddressAllowed("Backup")]).toEqual([true, false]);
  });
});

describe("what a plan is told", () => {
  it("is the own rows of every link, in lower case", () => {
    const { linkedRows } = planOptions(context, resync, [link("L"), link("k")]);
    expect([...linkedRows]).toEqual(["ip-group l", "ip-group k"]);
  });

  it("is the policy for carriers in a re-sync alone, for only that knows all links", () => {
    const enforcing: WorkContext = { ...context, settings: { carrierPolicy: "enforce" } };
    const policies = [resync, convert].map((request) => planOptions(enforcing, request, []).carrierPolicy);
    expect(policies).toEqual(["enforce", "report"]);
  });
});

describe("the result of a conversion", () => {
  const work = gatherWork(context, convert, claim([conversion("SIPTest4", registering), conversion("Bad")]), config);
  const of = (given: Record<string, CustomerResult>, notes: string[] = []) =>
    completions(context, work, results(given), notes);

  it("that converged is a link, in Live Platform's words", () => {
    expect(of({ SIPTest4: converged })).toMatchObject([
      {
        kind: "linked",
        taskId: "wst_SIPTest4",
        link: { shortName: "SIPTest4", device: "sbc1", secretHashes: { CarrierUserPassword: "hash of s3cret-One" } },
        messages: [{ level: "Information", message: "SBC sbc-onboarding done for site SIPTest4." }],
      },
    ]);
  });

  it("carries no secret in clear", () => {
    expect(JSON.stringify(of({ SIPTest4: converged })).replaceAll("hash of s3cret-One", "")).not.toContain(
      "s3cret-One",
    );
  });

  it("puts warnings before it, and those of the device only where something was written", () => {
    const warned = (changed: boolean) => of({ SIPTest4: { ...converged, changed, warnings: ["own"] } }, ["device's"]);
    expect(
      warned(true)[0]
        ?.messages.map(({ message }) => message)
        .slice(0, -1),
    ).toEqual(["own", "device's"]);
    expect(
      warned(false)[0]
        ?.messages.map(({ message }) => message)
        .slice(0, -1),
    ).toEqual(["own"]);
  });

  it("that failed says on which device and why", () => {
    expect(of({ Bad: { kind: "failed", message: "it was refused: x", onDevice: true } })).toEqual([
      {
        kind: "failed",
        taskId: "wst_Bad",
        details: ["Failed"],
        messages: [{ level: "Error", message: "Customer 'Bad' was not converted on device sbc1: it was refused: x" }],
      },
    ]);
  });

  it("is none for a linked customer", () => {
    const linked = gatherWork(context, resync, claim([], [link("L")]), config);
    expect(completions(context, linked, results({ L: converged }), [])).toEqual([]);
  });
});

describe("a link after a re-sync", () => {
  const kept = link("L", {
    secrets: { CarrierUserPassword: "new" },
    secretHashes: { CarrierUserPassword: "hash of old" },
  });
  const work = gatherWork(context, resync, claim([], [kept, link("Same")]), config);

  it("has the hash of the secret that was written, and only where it changed", () => {
    const changed = changedLinks(context, work, results({ L: converged, Same: converged }));
    expect(changed.map(({ shortName, secretHashes }) => [shortName, secretHashes])).toEqual([
      ["L", { CarrierUserPassword: "hash of new" }],
    ]);
  });

  it("is as it was when the re-sync failed", () => {
    expect(changedLinks(context, work, results({ L: { kind: "failed", message: "x", onDevice: true } }))).toEqual([]);
  });

  it("does not hold the secret", () => {
    expect(changedLinks(context, work, results({ L: converged }))[0]).not.toHaveProperty("secrets");
  });
});
