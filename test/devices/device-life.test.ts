import { describe, expect, it } from "vitest";
import type { DeviceStatus } from "../../drivers/driver.ts";
import { watchLife } from "../../agent/devices/device-life.ts";
import { parseVersion } from "../../drivers/mediant/version-text.ts";

const status = (upTime: DeviceStatus["upTime"], serialNumber = "4711"): DeviceStatus => ({
  ...parseVersion([";Serial Number: 1"]),
  serialNumber,
  upTime,
});

function watch(stored: "same" | "restarted" | "replaced" = "same") {
  const noted: unknown[] = [];
  const demanded: string[] = [];
  const warned: string[] = [];
  const setting = { now: 1_000_000, lives: 0 };
  const see = watchLife({
    device: "sbc-1",
    journal: {
      async noteLife(_device, life) {
        noted.push(life);
        return noted.length === 1 ? stored : "same";
      },
      async demandCheck(device) {
        demanded.push(device);
      },
    },
    log: { warn: (message) => void warned.push(message) },
    now: () => setting.now,
    onNewLife: () => void (setting.lives += 1),
  });
  return { see, noted, demanded, warned, setting };
}

describe("the life of a device", () => {
  it("is stored at its first status and then once a minute, not with every one", async () => {
    const { see, noted, setting } = watch();
    for (const upTime of [10, 20, 30]) await see(status(upTime));
    expect(noted).toEqual([{ serialNumber: "4711", upTime: 10 }]);
    setting.now += 60_000;
    await see(status(40));
    expect(noted).toHaveLength(2);
    expect(setting.lives).toBe(0);
  });

  it("begins anew when the up-time went back since the latest status, though what is stored is older", async () => {
    const { see, demanded, warned, setting } = watch();
    for (const upTime of [10, 900, 300]) await see(status(upTime));
    expect({ demanded, warned, lives: setting.lives }).toEqual({
      demanded: ["sbc-1"],
      warned: ["device started anew"],
      lives: 1,
    });
    await see(status(310));
    expect(setting.lives).toBe(1);
  });

  it("that began anew while the agent was down is known from what is stored", async () => {
    const { see, warned, setting } = watch("restarted");
    await see(status(10));
    expect([warned, setting.lives]).toEqual([["device started anew"], 1]);
  });

  it("is another unit's when the serial number is another one", async () => {
    const { see, warned, setting } = watch();
    await see(status(10));
    await see(status(20, "4712"));
    expect([warned, setting.lives]).toEqual([["device is another unit"], 1]);
  });

  it("says nothing by what a status does not tell, as over a shell that knows no up-time", async () => {
    const { see, warned } = watch();
    for (const one of [status(100), status("unknown"), status("unknown", "unknown"), status(110)]) await see(one);
    expect(warned).toEqual([]);
    await see(status(105, "unknown"));
    expect(warned).toEqual(["device started anew"]);
  });
});
