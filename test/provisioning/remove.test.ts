import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClaimedAmendment } from "../../agent/store/amendment.ts";
import { registering, subjectOf } from "./customers.ts";
import { namesIn, neighbours } from "./device-fixture.ts";
import { fakeDevice, type Behaviour } from "./fake-device.ts";
import { changeOf, conversion, removalOf, siteOn, work, type Ended, type Site } from "./amended-run.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A device on which these customers were converted, and which does so from then on. */
async function siteWith(names: readonly string[], behaviour: Partial<Behaviour> = {}): Promise<Site> {
  const site = siteOn(fakeDevice(neighbours));
  await work(site, { conversions: names.map((name) => conversion(subjectOf(name, registering))) });
  site.device.scripts.length = 0;
  Object.assign(site.device.behaviour, behaviour);
  return site;
}
const empty = fakeDevice(neighbours).config().rows;
const groups = (site: Site): string[] => namesIn(site.device.config(), "ip-group").filter((name) => name !== "Foreign");
const kindsOf = ({ completions }: Ended): string[] => completions.map(({ kind }) => kind);
const wordsOf = ({ completions }: Ended): string =>
  completions.flatMap(({ messages }) => messages.map(({ message }) => message)).join("\n");

describe("customers that are removed", () => {
  it("leave the device as it was before their conversions, in one script, saved", async () => {
    const site = await siteWith(["A", "B"]);
    expect(site.journal.made.map(({ name }) => name)).toEqual(["SIPTrunk"]);
    const ended = await work(site, { amendments: [removalOf(site, "A"), removalOf(site, "B")] });
    expect(kindsOf(ended)).toEqual(["removed", "removed"]);
    expect(site.device.scripts).toHaveLength(1);
    expect(site.device.config().rows).toEqual(empty);
    expect(site.device.startup().rows).toEqual(empty);
    expect(site.journal.made).toEqual([]);
    expect(site.journal.records.every(({ state }) => state === "saved")).toBe(true);
  });

  it("are done without a line when nothing of them is left", async () => {
    const site = await siteWith(["A"]);
    site.device.edit(() => neighbours);
    const ended = await work(site, { amendments: [removalOf(site, "A")] });
    expect(kindsOf(ended)).toEqual(["removed"]);
    expect(site.device.scripts).toEqual([]);
  });

  it("make room for those of the same run, who keep the Proxy Set that they need", async () => {
    const site = await siteWith(["A"]);
    const ended = await work(site, {
      amendments: [removalOf(site, "A")],
      conversions: [conversion(subjectOf("B"))],
    });
    expect(kindsOf(ended)).toEqual(["linked", "removed"]);
    expect(groups(site)).toEqual(["B"]);
    expect(namesIn(site.device.config(), "proxy-set")).toContain("SIPTrunk");
  });

  it("take the Proxy Set along after all when the conversion that needed it failed", async () => {
    const site = await siteWith(["A"], { refuses: (line) => line.includes('name "B"') });
    const ended = await work(site, {
      amendments: [removalOf(site, "A")],
      conversions: [conversion(subjectOf("B"))],
    });
    expect(kindsOf(ended).sort()).toEqual(["failed", "removed"]);
    expect(site.device.config().rows).toEqual(empty);
  });

  it.each<Behaviour["onRefusal"]>(["stop", "go on", "reject all"])(
    "are removed but for the one whose line is refused, where a refusal means %s; its task has the device's words",
    async (onRefusal) => {
      const site = await siteWith(["A", "B", "C"], { onRefusal });
      const b = site.device.config().rows.find(({ fields }) => fields["name"] === "B");
      site.device.edit((rows) => rows.filter(({ table }) => table !== "account"));
      Object.assign(site.device.behaviour, { refuses: (line: string) => line === `no ip-group ${b?.index}` });
      const ended = await work(site, { amendments: ["A", "B", "C"].map((name) => removalOf(site, name)) });
      expect(kindsOf(ended).sort()).toEqual(["failed", "removed", "removed"]);
      expect(wordsOf(ended)).toMatch(/'B' was not removed .*it was refused: Invalid: no ip-group/);
      expect(groups(site)).toEqual(["B"]);
      expect(site.links.map(({ shortName }) => shortName)).toEqual(["B"]);
    },
  );

  it("go on waiting when a part of one is gone, which its task is told, until the rest is gone too", async () => {
    const site = await siteWith(["A"], { refuses: (line) => line.startsWith("no ip-group") });
    const removal = removalOf(site, "A");
    const first = await work(site, { amendments: [removal] });
    expect([kindsOf(first), first.blocked?.code]).toEqual([[], "removal"]);
    expect(first.warnings).toEqual([expect.stringContaining("Invalid: no ip-group")]);
    expect(namesIn(site.device.config(), "account")).toEqual([]);
    expect(site.device.startup().rows).toEqual(site.device.config().rows);
    // The same again: what is gone was sent by an earlier run.
    expect(kindsOf(await work(site, { amendments: [removal] }))).toEqual([]);
    site.device.behaviour.refuses = () => false;
    expect(kindsOf(await work(site, { amendments: [removal] }))).toEqual(["removed"]);
    expect(site.device.config().rows).toEqual(empty);
  });

  it("are removed though the answer is lost at any line", async () => {
    for (let afterLines = 0; afterLines <= 3; afterLines += 1) {
      const site = await siteWith(["A"], { faults: [{ kind: "lost", afterLines }] });
      expect(kindsOf(await work(site, { amendments: [removalOf(site, "A")] }))).toEqual(["removed"]);
      expect(site.device.startup().rows).toEqual(empty);
    }
  });

  it("are looked for again by a later run when the device takes the lines and shows the rows still", async () => {
    const site = await siteWith(["A"], { faults: [{ kind: "ignored" }] });
    const removal = removalOf(site, "A");
    await expect(work(site, { amendments: [removal] })).rejects.toThrow("shows the rows still");
    expect(kindsOf(await work(site, { amendments: [removal] }))).toEqual(["removed"]);
  });

  it("are gone though their Proxy Set is refused, which their task is told", async () => {
    const site = await siteWith(["A"], { refuses: (line) => line.startsWith("no proxy-set") });
    const ended = await work(site, { amendments: [removalOf(site, "A")] });
    expect(kindsOf(ended)).toEqual(["removed"]);
    expect(wordsOf(ended)).toContain("Proxy Set 'SIPTrunk' could not be deleted");
    expect(site.journal.made.map(({ name }) => name)).toEqual(["SIPTrunk"]);
  });

  it("keep a Proxy Set that was made on another unit", async () => {
    const site = await siteWith(["A"], { status: { serialNumber: "9999" } });
    expect(kindsOf(await work(site, { amendments: [removalOf(site, "A")] }))).toEqual(["removed"]);
    expect(namesIn(site.device.config(), "proxy-set")).toContain("SIPTrunk");
  });
});

describe("a debt", () => {
  it("is settled before conversions are applied", async () => {
    const site = await siteWith(["A"]);
    const owed = removalOf(site, "A", { state: "owed" });
    site.links.length = 0;
    const again = conversion(subjectOf("A", { customerGuid: "another-guid" }));
    const ended = await work(site, { amendments: [owed], conversions: [again] });
    expect(kindsOf(ended)).toEqual(["linked", "removed"]);
    expect(groups(site)).toEqual(["A"]);
  });

  it("that is superseded ends with a warning, and nothing is removed", async () => {
    const site = await siteWith(["A"]);
    const before = site.device.config().rows;
    const debt = removalOf(site, "A", { state: "owed", superseded: true });
    site.links = site.links.map((link) => ({ ...link, customerGuid: "another-guid" }));
    const ended = await work(site, { amendments: [debt] });
    expect(ended.completions).toMatchObject([{ kind: "removed", messages: [{ level: "Warning" }] }]);
    expect(site.device.config().rows).toEqual(before);
  });

  it("stands while the conversion that would supersede it has not converted, and is settled when that failed", async () => {
    const site = await siteWith(["A"]);
    const superseded = removalOf(site, "A", { state: "owed", superseded: true });
    site.links.length = 0;
    expect((await work(site, { amendments: [superseded] })).completions).toEqual([]);
    const again = subjectOf("A", { customerGuid: "another-guid", proxySet: "Backup" });
    expect(kindsOf(await work(site, { amendments: [superseded], conversions: [conversion(again)] }))).toEqual([
      "failed",
    ]);
    expect(groups(site)).toEqual(["A"]);
    expect(kindsOf(await work(site, { amendments: [{ ...superseded, superseded: false }] }))).toEqual(["removed"]);
    expect(site.device.startup().rows).toEqual(empty);
  });

  it("ends with the conversion that takes its rows over", async () => {
    const site = await siteWith(["A"]);
    const superseded = removalOf(site, "A", { state: "owed", superseded: true });
    site.links.length = 0;
    const again = subjectOf("A", { ...registering, customerGuid: "another-guid" });
    const ended = await work(site, { amendments: [superseded], conversions: [conversion(again)] });
    expect(kindsOf(ended)).toEqual(["linked", "removed"]);
  });
});

describe("what a change had written for a customer that was then given up", () => {
  it("goes with the debt: its new rows, and the Proxy Set that was made for them", async () => {
    for (const afterLines of [2, 9, 14]) {
      const site = await siteWith(["A"], {
        faults: [
          { kind: "lost", afterLines },
          { kind: "lost", afterLines: 0 },
        ],
      });
      const change = changeOf(site, "A", { blueprint: "oc-two-legs", endCalls: true, proxySet: "Backup" });
      await expect(work(site, { amendments: [change] })).rejects.toThrow("no answer");
      site.journal.complete([change.taskId]);
      const debt = removalOf(site, "A", { state: "owed" });
      expect(kindsOf(await work(site, { amendments: [debt] }))).toEqual(["removed"]);
      expect(site.device.startup().rows).toEqual(empty);
    }
  });
});

describe("a customer that is changed", () => {
  const twoLegs = (site: Site): ClaimedAmendment => changeOf(site, "A", { blueprint: "oc-two-legs", endCalls: true });

  it("loses the rows that its new blueprint lacks only when the others stand", async () => {
    const site = await siteWith(["A"]);
    expect(kindsOf(await work(site, { amendments: [twoLegs(site)] }))).toEqual(["changed"]);
    expect(groups(site)).toEqual(["A-c", "A-t"]);
    expect(namesIn(site.device.config(), "account")).toEqual(["A-c/A-c"]);
    const [makes, deletes] = site.device.scripts;
    expect(new Set(makes?.map(({ kind }) => kind))).toEqual(new Set(["create"]));
    expect(new Set(deletes?.map(({ kind }) => kind))).toEqual(new Set(["delete"]));
  });

  it("is as it was when its new rows are refused, or its old ones cannot go", async () => {
    for (const refused of ['ip-group 7 name "A-t"', "no account 1", "no ip-group 5"]) {
      const site = await siteWith(["A"]);
      if (refused.startsWith("no ip-group"))
        site.device.edit((rows) => rows.filter(({ table }) => table !== "account"));
      const before = site.device.config().rows;
      site.device.behaviour.refuses = (line) => line === refused;
      const [link] = site.links;
      const ended = await work(site, { amendments: [twoLegs(site)] });
      expect(kindsOf(ended), refused).toEqual(["failed"]);
      expect(site.device.config().rows).toEqual(before);
      expect(site.links).toEqual([link]);
    }
  });

  it("is refused before a line is sent when rows of others refer to a row that would have to go", async () => {
    const site = await siteWith(["A", "B"]);
    site.device.edit((rows) =>
      rows.map((r) =>
        r.table === "account" && r.fields["served-ip-group-name"] === "B"
          ? { ...r, fields: { ...r.fields, "serving-ip-group-name": "A" } }
          : r,
      ),
    );
    const ended = await work(site, { amendments: [twoLegs(site)] });
    expect(wordsOf(ended)).toMatch(/'A' was not changed.*sip-definition account \d+ \(serving-ip-group-name\)/);
    expect(site.device.scripts).toEqual([]);
  });

  it("does not take over a row that bears one of its new names and was not made here", async () => {
    const site = await siteWith(["A"]);
    const foreign = {
      table: "ip-group",
      index: 40,
      active: true,
      fields: { name: "A-t", "srd-name": "DefaultSRD" },
    } as const;
    site.device.edit((rows) => [...rows, foreign]);
    const before = site.device.config().rows;
    const ended = await work(site, { amendments: [twoLegs(site)] });
    expect(wordsOf(ended)).toContain("was not made here");
    expect(site.device.config().rows).toEqual(before);
  });

  it("keeps what its conversion made when a change fails while that record is still open", async () => {
    const site = await siteWith(["A"]);
    const [record] = site.journal.records;
    if (record === undefined) throw new Error("nothing was recorded");
    // Another conversion of the same script has not ended.
    Object.assign(record, { taskIds: [...record.taskIds, "wst_open"] });
    const before = site.device.config().rows;
    site.device.behaviour.refuses = (line) => line.includes('contact-user "bad"');
    const ended = await work(site, { amendments: [changeOf(site, "A", { variables: { CarrierMailLine: "bad" } })] });
    expect(kindsOf(ended)).toEqual(["failed"]);
    expect(site.device.config().rows).toEqual(before);
  });

  it("has its old secret again when a change of it is refused", async () => {
    const site = await siteWith(["A"]);
    const place = site.device.config().rows.find(({ table }) => table === "account");
    if (place === undefined) throw new Error("there is no Account");
    site.device.behaviour.refuses = (line) => line.includes('contact-user "bad"');
    const change = changeOf(
      site,
      "A",
      { variables: { CarrierMailLine: "bad" } },
      { CarrierUserPassword: "s3cret-Two" },
    );
    expect(kindsOf(await work(site, { amendments: [change] }))).toEqual(["failed"]);
    expect(site.device.secret(place, "password")).toBe("s3cret-One");
  });

  it("writes nothing when it is as was asked", async () => {
    const site = await siteWith(["A"]);
    const { saves } = { saves: site.device.saves() };
    const ended = await work(site, { amendments: [changeOf(site, "A", { proxySet: "siptrunk" })] });
    expect([kindsOf(ended), site.device.scripts, site.device.saves()]).toEqual([["changed"], [], saves]);
  });

  it("says which secret is missing when a row that needs it is to be made and it is not kept", async () => {
    const site = await siteWith(["A"]);
    site.links = site.links.map((link) => ({ ...link, secrets: {} }));
    expect(wordsOf(await work(site, { amendments: [twoLegs(site)] }))).toContain("secret missing: CarrierUserPassword");
    const other = changeOf(site, "A", { variables: { CarrierMailLine: "line9" } });
    const ended = await work(site, { amendments: [other] });
    expect(kindsOf(ended), wordsOf(ended)).toEqual(["changed"]);
  });
});
