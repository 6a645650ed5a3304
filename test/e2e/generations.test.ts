import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./client.ts";
import { drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

const readDevice = (file: string): string =>
  readFileSync(new URL(`../../config/devices/${file}`, import.meta.url), "utf8");

const iniOf = async ({ mock }: Rig): Promise<string> => (await fetch(`${mock.control}/ini`)).text();

async function post({ client }: Rig): Promise<string> {
  const tenant = drawTenant();
  await client.addLead(tenant);
  return client.post("Newcomer", tenant);
}

describe("a device file that ships as an example", () => {
  it.each(["oc1-7.40.ini", "oc2-7.20.ini"])("%s takes a conversion, and no other line of it changes", async (file) => {
    rig = await startRig({ mock: { ini: readDevice(file) } });
    const before = new Set((await iniOf(rig)).split(/\r?\n/));
    const task = await rig.client.ended(await post(rig));
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    const after = (await iniOf(rig)).split(/\r?\n/);
    const kept = new Set(after);
    expect([...before].filter((line) => !kept.has(line))).toEqual([]);
    expect(after.filter((line) => !before.has(line)).map((line) => line.split(" ", 1)[0])).toEqual([
      "ProxySet",
      "IPGroup",
      "ProxyIp",
    ]);
    expect(named((await stateOf(rig.mock)).startup["IPGroup"], "Name").get("Newcomer")?.active).toBe(true);
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
  });

  it("legacy-7.00.ini is read and never written: its conversion waits, and says why", async () => {
    rig = await startRig({ mock: { ini: readDevice("legacy-7.00.ini") } });
    const before = await iniOf(rig);
    const id = await post(rig);
    const task = await eventually(
      () => (rig as Rig).client.task(id),
      ({ executionMessages }) => executionMessages.some(({ message }) => message.includes("can only be read")),
      (t) => JSON.stringify(t),
    );
    expect(task.status).toBe("InProgress");
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0 });
    expect(await iniOf(rig)).toBe(before);
  });
});
