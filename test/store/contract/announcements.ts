import { describe, expect, it } from "vitest";
import type { Announcement } from "../../../agent/store/model.ts";
import { LeaseLost } from "../../../agent/store/store.ts";
import {
  announcement,
  durationMs,
  gatewayWaitMs,
  graceMs,
  information,
  inNewPlace,
  newConversion,
  start,
  type NewPlace,
} from "./setting.ts";

/** While a word is younger than this, nobody else can say the same. */
const holdMs = 60_000;

const other = { agent: "far", identity: "identity-2" };
const serving = (device: string, ...gateways: string[]): Announcement["devices"][number] => ({
  device,
  gateways,
  standing: false,
});

export function testAnnouncements(newPlace: NewPlace): void {
  describe("announcements", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);
    const announce = (changes?: Partial<Announcement>) => setting.store.announce(announcement(changes));
    const heard = { kind: "heard" };

    async function refusalOf(changes: Partial<Announcement>): Promise<string> {
      const answer = await announce(changes);
      return answer.kind === "refused" ? answer.reason : "";
    }

    async function served(): Promise<Record<string, readonly string[]>> {
      const devices = await setting.store.announcedDevices();
      return Object.fromEntries(devices.map(({ device, agent, gateways }) => [`${agent}: ${device}`, gateways]));
    }

    it("are shown as they were heard last, by device, also over a restart", async () => {
      const devices = [
        { ...serving("sbc-2", "oc3.example.com", "oc2.example.com"), standing: true },
        serving("sbc-1", "oc1.example.com"),
      ];
      expect(await announce({ devices })).toEqual(heard);
      setting.now += 1;
      expect(await announce({ ...other, version: "1.0.1", devices: [serving("sbc-3")] })).toEqual(heard);
      await setting.reopen();

      const near = { agent: "near", identity: "identity-1", version: "1.0.0", heardAt: start };
      expect(await setting.store.announcedDevices()).toEqual([
        { ...near, device: "sbc-1", gateways: ["oc1.example.com"], standing: false },
        { ...near, device: "sbc-2", gateways: ["oc2.example.com", "oc3.example.com"], standing: true },
        { ...other, version: "1.0.1", heardAt: start + 1, device: "sbc-3", gateways: [], standing: false },
      ]);
    });

    it.each<[string, Partial<Announcement>]>([
      ["another agent name", { agent: "renamed" }],
      ["another version", { version: "2.0.0" }],
      ["another device", { devices: [serving("sbc-9", "oc1.example.com")] }],
      ["one device more", { devices: [serving("sbc-1", "oc1.example.com"), serving("sbc-2")] }],
      ["another gateway", { devices: [serving("sbc-1", "oc9.example.com")] }],
      ["one gateway more", { devices: [serving("sbc-1", "oc1.example.com", "oc2.example.com")] }],
      ["no gateway", { devices: [serving("sbc-1")] }],
      ["a standstill", { devices: [{ ...serving("sbc-1", "oc1.example.com"), standing: true }] }],
      ["no device", { devices: [] }],
    ])("are believed at once when they bring %s", async (_, changes) => {
      await announce();
      expect(await announce(changes)).toEqual(heard);
      const { devices, ...who } = announcement(changes);

      expect(await setting.store.announcedDevices()).toMatchObject(
        devices.map((one) => ({ ...one, agent: who.agent, version: who.version })),
      );
      expect(await setting.store.announcedDevices()).toHaveLength(devices.length);
    });

    it("are refused as a whole while another identity's word on a device is young, naming both", async () => {
      await announce();
      setting.now += holdMs - 1;
      const reason = await refusalOf({ ...other, devices: [serving("sbc-2"), serving("sbc-1", "oc9.example.com")] });

      expect(reason).toMatch(/device sbc-1 .*'near'/);
      expect(await served()).toEqual({ "near: sbc-1": ["oc1.example.com"] });
    });

    it("are refused as a whole while another identity's word on a gateway is young, naming both", async () => {
      await announce();
      setting.now += holdMs - 1;
      const reason = await refusalOf({ ...other, devices: [serving("sbc-2", "oc2.example.com", "oc1.example.com")] });

      expect(reason).toMatch(/gateway oc1\.example\.com .*'near', for device sbc-1/);
      expect(await served()).toEqual({ "near: sbc-1": ["oc1.example.com"] });
    });

    it("name everything that another one holds", async () => {
      await announce({ devices: [serving("sbc-1", "oc1.example.com"), serving("sbc-2", "oc2.example.com")] });
      const reason = await refusalOf({ ...other, devices: [serving("sbc-2"), serving("sbc-3", "oc1.example.com")] });

      expect(reason).toMatch(/device sbc-2 .*; gateway oc1\.example\.com /);
    });

    it("are refused to a copy of the agent that has its name but not its identity", async () => {
      await announce();

      expect(await announce({ identity: "identity-of-the-copy" })).toMatchObject({ kind: "refused" });
    });

    it("take over what another identity was not heard of for a minute, and keep that one out then", async () => {
      await announce({ devices: [serving("sbc-1", "oc1.example.com"), serving("sbc-2", "oc2.example.com")] });
      setting.now += holdMs;
      expect(await announce({ ...other, devices: [serving("sbc-1", "oc2.example.com")] })).toEqual(heard);

      expect(await served()).toEqual({ "far: sbc-1": ["oc2.example.com"], "near: sbc-2": [] });
      expect(await announce()).toMatchObject({ kind: "refused" });
      expect(await announce({ devices: [serving("sbc-2", "oc1.example.com")] })).toEqual(heard);
      expect(await served()).toEqual({ "far: sbc-1": ["oc2.example.com"], "near: sbc-2": ["oc1.example.com"] });
    });

    it("keep their word young by repeating it", async () => {
      await announce();
      for (let turn = 1; turn <= 4; turn += 1) {
        setting.now += 25_000;
        await announce();
      }
      setting.now += holdMs - 1;

      expect(await announce(other)).toMatchObject({ kind: "refused" });
      setting.now += 1;
      expect(await announce(other)).toEqual(heard);
    });

    it("come from one of two that announce the same at once", async () => {
      expect(await Promise.all([announce(), announce(other)])).toMatchObject([{ kind: "heard" }, { kind: "refused" }]);
      expect(await served()).toEqual({ "near: sbc-1": ["oc1.example.com"] });
      setting.now += holdMs;
      expect(await Promise.all([announce(other), announce()])).toMatchObject([{ kind: "heard" }, { kind: "refused" }]);
      expect(await served()).toEqual({ "far: sbc-1": ["oc1.example.com"] });
    });

    it("can swap gateways between devices", async () => {
      await announce({ devices: [serving("sbc-1", "oc1.example.com"), serving("sbc-2", "oc2.example.com")] });
      await announce({ devices: [serving("sbc-1", "oc2.example.com"), serving("sbc-2", "oc1.example.com")] });

      expect(await served()).toEqual({ "near: sbc-1": ["oc2.example.com"], "near: sbc-2": ["oc1.example.com"] });
      expect(await setting.accept({ device: null, gateway: "oc1.example.com" })).toMatchObject({ device: "sbc-2" });
    });

    it("free at once, for anybody, what they leave out", async () => {
      await announce({ devices: [serving("sbc-1", "oc1.example.com", "oc2.example.com"), serving("sbc-2")] });
      await announce({ devices: [serving("sbc-1", "oc1.example.com")] });
      expect(await announce({ ...other, devices: [serving("sbc-2", "oc2.example.com")] })).toEqual(heard);
      await announce({ devices: [] });

      expect(await served()).toEqual({ "far: sbc-2": ["oc2.example.com"] });
      expect(await announce({ ...other, devices: [serving("sbc-1", "oc1.example.com")] })).toEqual(heard);
    });

    it("may have nothing to say", async () => {
      expect(await announce({ devices: [] })).toEqual(heard);
      expect(await announce({ devices: [], fresh: true })).toEqual(heard);
      expect(await setting.store.announcedDevices()).toEqual([]);
    });

    it("are refused when they give one gateway to two devices, naming all three", async () => {
      const devices = [serving("sbc-1", "oc1.example.com"), serving("sbc-2", "oc2.example.com", "oc1.example.com")];

      expect(await refusalOf({ devices })).toMatch(/gateway oc1\.example\.com .*sbc-1.*sbc-2/);
      expect(await setting.store.announcedDevices()).toEqual([]);
    });

    it("are refused when they name a device twice", async () => {
      expect(await refusalOf({ devices: [serving("sbc-1", "oc1.example.com"), serving("sbc-1")] })).toMatch(
        /device sbc-1 .*twice/,
      );
      expect(await setting.store.announcedDevices()).toEqual([]);
    });

    it("may name a gateway of one device twice", async () => {
      expect(await announce({ devices: [serving("sbc-1", "oc1.example.com", "oc1.example.com")] })).toEqual(heard);
      expect(await served()).toEqual({ "near: sbc-1": ["oc1.example.com"] });
    });

    it("hold no longer than a minute from the first contradiction when the clock is set back", async () => {
      await announce();
      setting.now -= 24 * 3_600_000;
      expect(await announce(other)).toMatchObject({ kind: "refused" });
      setting.now += holdMs - 1;
      expect(await announce(other)).toMatchObject({ kind: "refused" });
      setting.now += 1;

      expect(await announce(other)).toEqual(heard);
    });

    it("are heard at the new time when the clock was set back", async () => {
      await announce();
      setting.now -= 24 * 3_600_000;
      await announce();

      expect(await setting.store.announcedDevices()).toMatchObject([{ heardAt: setting.now }]);
    });

    it("leave leases as they are, also when another identity takes the device over", async () => {
      await announce();
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      setting.now += holdMs;
      await setting.store.renewLease(lease);
      expect(await announce({ ...other, fresh: true })).toEqual(heard);

      expect(await setting.store.claimDevice("sbc-1", { holder: "identity-2", durationMs, graceMs, max: 1 })).toEqual({
        kind: "held",
        retryAfterMs: durationMs + graceMs,
      });
      await expect(setting.store.markSent(lease, [conversion.taskId], true)).resolves.toBeUndefined();
    });
  });

  describe("an agent that has just started", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);
    const claimAs = async (holder: string, device: string) => {
      const result = await setting.store.claimDevice(device, { holder, durationMs, graceMs, max: 1 });
      if (result.kind === "held") throw new Error(`${device} is held`);
      return result.claim;
    };

    it("frees the leases of its identity, on all devices, and no others", async () => {
      const mine = [await claimAs("identity-1", "sbc-1"), await claimAs("identity-1", "sbc-2")];
      const { lease: theirs } = await claimAs("identity-2", "sbc-3");
      await setting.store.announce(announcement({ fresh: true }));

      for (const { lease } of mine) await expect(setting.store.renewLease(lease)).rejects.toThrow(LeaseLost);
      await expect(setting.store.renewLease(theirs)).resolves.toBeUndefined();
      expect((await claimAs("identity-2", "sbc-1")).lease.fence).toBe(2);
    });

    it("frees them also when it announces what it had announced before", async () => {
      await setting.store.announce(announcement());
      const { lease } = await claimAs("identity-1", "sbc-1");
      await setting.store.announce(announcement({ fresh: true }));

      await expect(setting.store.renewLease(lease)).rejects.toThrow(LeaseLost);
    });

    it("frees none when it is refused", async () => {
      const { lease } = await claimAs("identity-1", "sbc-2");
      await setting.store.announce(announcement(other));
      expect(await setting.store.announce(announcement({ fresh: true }))).toMatchObject({ kind: "refused" });

      await expect(setting.store.renewLease(lease)).resolves.toBeUndefined();
    });

    it("frees none later on", async () => {
      const { lease } = await claimAs("identity-1", "sbc-1");
      await setting.store.announce(announcement());
      await setting.store.announce(announcement({ version: "1.0.1" }));

      await expect(setting.store.renewLease(lease)).resolves.toBeUndefined();
    });
  });

  describe("an announcement that cannot be stored", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);

    it("leaves everything as it was", async () => {
      await setting.store.announce(announcement());
      const conversion = await setting.accept({ device: null, gateway: "oc2.example.com" });
      setting.judge = () => {
        throw new Error("no verdict");
      };
      const devices = [serving("sbc-2", "oc2.example.com")];
      await expect(setting.store.announce(announcement({ devices }))).rejects.toThrow("no verdict");
      setting.judge = () => ({ kind: "device", message: information("queued") });

      expect(await setting.store.announcedDevices()).toMatchObject([{ device: "sbc-1" }]);
      expect(await setting.conversion(conversion)).toEqual(conversion);
      expect(await setting.store.accept({ ...newConversion(), device: null })).toMatchObject({ verdict: "device" });
    });
  });
}
