import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nameOf } from "../../agent/provisioning/observed.ts";
import { conversionOf, linkedOf, registering, subjectOf } from "./customers.ts";
import { namesIn, neighbours, row, samePlace } from "./device-fixture.ts";
import { fakeDevice, type FakeDevice } from "./fake-device.ts";
import { memoryJournal, run, type Ran } from "./fake-run.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const badSubject = subjectOf("Bad", {
  variables: { CarrierUserName: "bad-user", CarrierHostName: "bad.example.net", CarrierMailLine: "bad-line" },
  secrets: { CarrierUserPassword: "bad-secret" },
});
const bad = conversionOf(badSubject);
const good = ["A", "B", "C", "D"].map((name) => conversionOf(subjectOf(name, name === "B" ? registering : {})));
const guids = good.map(({ intent }) => intent.customerGuid);
const badGuid = bad.intent.customerGuid;

const kinds = ({ results }: Ran, of: readonly string[]): (string | undefined)[] => of.map((g) => results.get(g)?.kind);
const failure = ({ results }: Ran, guid = badGuid): string => {
  const result = results.get(guid);
  return result?.kind === "failed" ? result.message : "";
};
/** `table name` of every row that was not there from the start. */
const added = (device: FakeDevice): string[] =>
  device
    .config()
    .rows.filter((r) => r.parent === undefined && !neighbours.some((n) => samePlace(n, r)))
    .map((r) => `${r.table} ${nameOf(r)}`);
const foreignRows = (device: FakeDevice): unknown =>
  device.config().rows.filter((r) => neighbours.some((n) => samePlace(n, r)));

describe("conversions on a device that takes everything", () => {
  it("are there after one script, and saved", async () => {
    const device = fakeDevice(neighbours);
    const ran = await run(device, good);
    expect(kinds(ran, guids)).toEqual(guids.map(() => "converged"));
    expect(namesIn(device.startup(), "ip-group")).toEqual(["Foreign", "A", "B", "C", "D"]);
    expect([device.scripts.length, device.saves()]).toEqual([1, 1]);
  });

  it("cost nothing when they are converged already", async () => {
    const device = fakeDevice(neighbours);
    await run(device, good);
    const again = await run(
      device,
      good.map((p) => ({ ...p, linked: true, secretsWritten: new Set(Object.keys(p.secrets)) })),
    );
    expect(again.session.counts).toEqual({ writes: 0, saves: 0 });
    expect(kinds(again, guids)).toEqual(guids.map(() => "converged"));
  });

  it("are shown by a device whose reads lag behind", async () => {
    const ran = await run(fakeDevice(neighbours, { lag: 4 }), good);
    expect(kinds(ran, guids)).toEqual(guids.map(() => "converged"));
  });

  it("are reported as soon as each is certain", async () => {
    const ran = await run(fakeDevice(neighbours), good);
    expect(ran.reported).toEqual(ran.results);
  });
});

describe.each(["stop", "go on", "reject all"] as const)(
  "on a device that meets a refused line with '%s'",
  (onRefusal) => {
    const refusing = (...texts: string[]): FakeDevice =>
      fakeDevice(neighbours, { onRefusal, refuses: (line) => texts.some((text) => line.includes(text)) });

    describe.each([
      ["tags", `tags "Trunk=${badSubject.tenantId}"`],
      ["name", 'name "Bad"'],
      ["a field of the IP Group", 'sip-group-name "bad.example.net"'],
      ["the user of the Account", 'user-name "bad-user"'],
      ["the password of the Account", 'password "bad-secret"'],
      ["the last words of the Account", 'contact-user "bad-line"'],
    ])("one of five conversions whose line with %s is refused", (_, text) => {
      const batch = [...good.slice(0, 2), bad, ...good.slice(2)];

      it("fails alone", async () => {
        const ran = await run(refusing(text), batch);
        expect(kinds(ran, [...guids, badGuid])).toEqual([...guids.map(() => "converged"), "failed"]);
      });

      it("leaves nothing of itself, and all of the others", async () => {
        const device = refusing(text);
        await run(device, batch);
        const groups = ["A", "B", "C", "D"].map((name) => `ip-group ${name}`);
        expect(added(device).sort()).toEqual(["account B/B", ...groups, "proxy-set SIPTrunk"]);
        expect(foreignRows(device)).toEqual(foreignRows(fakeDevice(neighbours)));
      });

      it("says which line it was", async () => {
        expect(failure(await run(refusing(text), batch))).toContain(text);
      });
    });

    it("a Proxy Set whose address is refused is not taken for a whole one", async () => {
      const device = refusing('proxy-address "198.51.100.11"');
      const ran = await run(device, good);
      expect(kinds(ran, guids)).toEqual(guids.map(() => "failed"));
      expect(added(device)).toEqual([]);
    });

    it("a Proxy Set with a refused field is not taken for a whole one", async () => {
      const device = refusing('sbcipv4-sip-int-name "SIF_WAN"');
      const ran = await run(device, good);
      expect(kinds(ran, guids)).toEqual(guids.map(() => "failed"));
      expect(added(device)).toEqual([]);
    });

    it("bad conversions leave no Proxy Set that nobody uses", async () => {
      const device = refusing('sip-group-name "bad.example.net"');
      const all = ["X", "Y", "Z"].map((name) => conversionOf({ ...badSubject, ...named(name) }));
      await run(device, all);
      expect(added(device)).toEqual([]);
    });

    it("a bad conversion does not take along the Proxy Set that was there before", async () => {
      const device = fakeDevice(
        [...neighbours, row("proxy-set", 9, { "proxy-name": "SIPTrunk", "srd-name": "DefaultSRD" })],
        { onRefusal, refuses: (line) => line.includes('name "Bad"') },
      );
      await run(device, [bad]);
      expect(added(device)).toEqual(["proxy-set SIPTrunk"]);
    });

    it("two carriers' conversions fail with their own carrier alone", async () => {
      const other = conversionOf(subjectOf("Other", { proxySet: "Backup" }));
      const ran = await run(refusing('proxy-address "198.51.100.20"'), [other, ...good]);
      expect(kinds(ran, [other.intent.customerGuid, ...guids])).toEqual(["failed", ...guids.map(() => "converged")]);
    });

    it("a run of many ends after a bounded number of scripts", async () => {
      const many = Array.from({ length: 16 }, (_, i) => conversionOf(subjectOf(`M${i}`)));
      const device = refusing('name "M3"', 'name "M11"');
      const ran = await run(device, many);
      expect([...ran.results.values()].filter(({ kind }) => kind === "failed").length).toBe(2);
      expect(device.scripts.length).toBeLessThanOrEqual(2 * many.length);
    });

    it("a password that has changed and is refused is not taken for written", async () => {
      const subject = subjectOf("A", registering);
      const device = refusing('password "changed"');
      await run(device, [conversionOf(subject)]);
      const secrets = { CarrierUserPassword: "changed" };
      const ran = await run(device, [linkedOf({ ...subject, secrets }, { secretsWritten: new Set() })]);
      expect(kinds(ran, [subject.customerGuid])).toEqual(["failed"]);
    });

    it("a change of a linked customer that is refused leaves its row as it was", async () => {
      const subject = subjectOf("A", registering);
      const device = fakeDevice(neighbours);
      await run(device, [conversionOf(subject)]);
      const fields = { "sip-group-name": "drifted", "media-realm-name": "" };
      device.edit((rows) =>
        rows.map((r) => (r.fields["name"] === "A" ? { ...r, fields: { ...r.fields, ...fields } } : r)),
      );
      const before = device.config().rows;
      Object.assign(device.behaviour, {
        onRefusal,
        refuses: (line: string) => line.includes('media-realm-name "MR_WAN"'),
      });
      const ran = await run(device, [linkedOf(subject)]);
      expect(kinds(ran, [subject.customerGuid])).toEqual(["failed"]);
      expect(device.config().rows).toEqual(before);
    });
  },
);

function named(name: string): { shortName: string; customerGuid: string; tenantId: string } {
  const { shortName, customerGuid, tenantId } = subjectOf(name);
  return { shortName, customerGuid, tenantId };
}

describe("a device that takes a script", () => {
  it("and shows nothing of it is not written to again in this run", async () => {
    const device = fakeDevice(neighbours, { faults: [{ kind: "ignored" }] });
    await expect(run(device, good)).rejects.toMatchObject({ code: "protocol" });
    expect(device.scripts.length).toBe(1);
  });

  it("and makes another value of one fails that conversion alone, and says which field", async () => {
    const normalise = (_: string, value: string): string => (value === "bad.example.net" ? "BAD" : value);
    const device = fakeDevice(neighbours, { normalise });
    const ran = await run(device, [...good, bad]);
    expect(kinds(ran, guids)).toEqual(guids.map(() => "converged"));
    expect(failure(ran)).toContain("sip-group-name of 'Bad' is 'BAD' instead of 'bad.example.net'");
    expect(added(device)).not.toContain("ip-group Bad");
  });

  it("and spells names in its own case is believed", async () => {
    const normalise = (field: string, value: string): string => (field === "name" ? value.toUpperCase() : value);
    const ran = await run(fakeDevice(neighbours, { normalise }), [conversionOf(subjectOf("acme"))]);
    expect([...ran.results.values()].map(({ kind }) => kind)).toEqual(["converged"]);
  });
});

describe("a limit on changes", () => {
  const linked = ["A", "B", "C"].map((name) => linkedOf(subjectOf(name)));

  it("stops a re-sync that goes beyond it, before anything is written", async () => {
    const device = fakeDevice(neighbours);
    const running = run(device, linked, memoryJournal(), { maxChanges: 3 });
    await expect(running).rejects.toMatchObject({ code: "limit", needsHuman: true });
    expect(device.scripts).toEqual([]);
  });

  it("does not count child rows", async () => {
    const ran = await run(fakeDevice(neighbours), linked, memoryJournal(), { maxChanges: 4 });
    expect(ran.results.size).toBe(3);
  });

  it("does not count what new conversions need", async () => {
    const ran = await run(fakeDevice(neighbours), good, memoryJournal(), { maxChanges: 0 });
    expect(kinds(ran, guids)).toEqual(guids.map(() => "converged"));
  });
});
