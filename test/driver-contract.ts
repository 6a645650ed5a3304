import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeviceConfig, Driver, Row, Step, TableName } from "../drivers/driver.ts";
import { DriverError } from "../drivers/errors.ts";
import { mediantTables } from "../drivers/index.ts";
import type { DeviceRows, DriverEnvironment } from "./drivers/contract-environment.ts";
import { startingIni } from "./drivers/contract-environment.ts";
import { faultOf, never } from "./drivers/fake-device.ts";
import type { Generation } from "./drivers/generations.ts";

type Start = (ini: string) => Promise<DriverEnvironment>;

/** What every driver must do. `start` brings up a fresh device with the INI file given for each test. */
export function testDriver(name: string, generation: Generation, start: Start): void {
  describe(name, () => {
    let device: DriverEnvironment;
    let driver: Driver;

    beforeEach(async () => {
      device = await start(startingIni(generation));
      driver = device.open();
      await driver.status(never);
    });
    afterEach(async () => {
      await driver.close();
      await device.stop();
    });

    it("tells how the device is", async () => {
      expect(await driver.status(never)).toMatchObject({
        firmware: generation.firmware,
        serialNumber: "123456789",
        saveNeeded: driver.describe().capabilities.saveNeeded ? false : "unknown",
      });
      expect([false, "unknown"]).toContain((await driver.status(never)).locked);
    });

    it("describes tables and limits of this firmware and model", () => {
      const { dialect, tables, limits, readOnly } = driver.describe();
      expect(dialect).toBe(generation.dialect);
      expect(readOnly).toBeUndefined();
      expect(tables.get("ip-group")?.owned).toBe(true);
      expect(tables.get("sip-interface")?.owned).toBe(false);
      expect(limits["ip-group"]).toBe(1_500);
    });

    it("reads all rows with their effective values", async () => {
      const config = await driver.read(never);
      expectColumns(config, generation);
      expect(rowOf(config, "proxy-set", 1)).toMatchObject({
        active: true,
        fields: {
          "proxy-name": "Teams-OC",
          "proxy-enable-keep-alive": "using-options",
          "proxy-load-balancing-method": "random-weights",
          "proxy-keep-alive-time": "60",
          "is-proxy-hot-swap": "disable",
          "srd-name": "DefaultSRD",
          "sbcipv4-sip-int-name": "SIF_Teams",
        },
      });
      expect(rowOf(config, "ip-group", 1)?.fields).toMatchObject({
        name: "Teams-OC",
        tags: "a=1;b",
        type: "server",
        "proxy-set-name": "Teams-OC",
        "classify-by-proxy-set": "disable",
      });
      const addresses = config.rows.filter((row) => row.table === "proxy-ip");
      expect(addresses.map((row) => [row.parent, row.index, row.fields["proxy-address"]])).toEqual([
        [1, 0, "sip.example:5061"],
        [1, 1, "sip2.example:5061"],
      ]);
      expect(rowOf(config, "srd", 0)?.fields["name"]).toBe("DefaultSRD");
      expect(rowOf(config, "sip-interface", 1)?.fields["srd-name"]).toBe("DefaultSRD");
    });

    it("reads without changing anything", async () => {
      const before = await device.state();
      const first = await driver.read(never);
      const second = await driver.read(never);
      expect(second).toEqual(first);
      expect(await device.state()).toEqual(before);
    });

    it("sees what another administrator changes, in rows, mentions and fingerprint", async () => {
      const before = await driver.read(never);
      await device.edit(["configure voip", "ip-group 7", 'name "Other"', 'proxy-set-name "Teams-OC"', "activate"]);
      const after = await driver.read(never);
      expect(rowOf(before, "ip-group", 7)).toBeUndefined();
      expect(rowOf(after, "ip-group", 7)?.fields["name"]).toBe("Other");
      expect(after.mentions).toContainEqual({
        from: "ip-group 7",
        field: "proxy-set-name",
        table: "proxy-set",
        name: "Teams-OC",
      });
      expect(after.fingerprint).not.toBe(before.fingerprint);
    });

    it("reports a row that is not activated as such", async () => {
      await device.edit(["configure voip", "proxy-set 9", 'proxy-name "NoInterface"', "activate", "exit", "exit"]);
      expect(rowOf(await driver.read(never), "proxy-set", 9)).toMatchObject({
        active: false,
        fields: { "proxy-name": "NoInterface" },
      });
    });

    it("creates rows exactly as asked, running but not yet saved", async () => {
      const before = await device.state();
      const transcript = await driver.apply(customer(5), never);
      expect(transcript.lines).toEqual(driver.render(customer(5)));
      expectRows(await driver.read(never), customer(5));
      const { running, startup } = await device.state();
      expect(startup).toEqual(before.startup);
      expect(others(running)).toEqual(others(before.running));
      expect(running["ProxySet"]).toHaveLength(2);
      expect(running["ProxyIp"]).toHaveLength(4);
      expect(running["IPGroup"]).toHaveLength(2);
      if (driver.describe().capabilities.saveNeeded) expect((await driver.status(never)).saveNeeded).toBe(true);
    });

    it("saves what runs", async () => {
      await driver.apply(customer(5), never);
      await driver.save(never);
      const { running, startup, saveNeeded } = await device.state();
      expect(startup).toEqual(running);
      expect(saveNeeded).toBe(false);
      if (driver.describe().capabilities.saveNeeded) expect((await driver.status(never)).saveNeeded).toBe(false);
    });

    it("updates the given fields and leaves all others as they are", async () => {
      const before = await driver.read(never);
      await driver.apply(
        [
          { kind: "update", table: "ip-group", index: 1, name: "Teams-OC", set: { tags: "c=2" } },
          { kind: "update", table: "proxy-set", index: 1, name: "Teams-OC", set: { "is-proxy-hot-swap": "enable" } },
          { kind: "update", table: "proxy-ip", index: 1, parent: 1, name: "", set: { weight: "7", priority: "7" } },
        ],
        never,
      );
      const changed = (row: Row): Row => {
        if (row.table === "ip-group") return { ...row, fields: { ...row.fields, tags: "c=2" } };
        if (row.table === "proxy-set") return { ...row, fields: { ...row.fields, "is-proxy-hot-swap": "enable" } };
        if (row.table !== "proxy-ip" || row.index !== 1) return row;
        return { ...row, fields: { ...row.fields, weight: "7", priority: "7" } };
      };
      expect((await driver.read(never)).rows).toEqual(before.rows.map(changed));
    });

    it("puts a field back to its default", async () => {
      const set = { "proxy-enable-keep-alive": "disable", "proxy-load-balancing-method": "disable" };
      await driver.apply([{ kind: "update", table: "proxy-set", index: 1, name: "Teams-OC", set }], never);
      expect(rowOf(await driver.read(never), "proxy-set", 1)?.fields).toMatchObject(set);
    });

    it("adds addresses to an existing Proxy Set and takes them away again", async () => {
      const before = await driver.read(never);
      const fields = { "proxy-address": "sip3.example:5061", "transport-type": "tls", priority: "3", weight: "1" };
      await driver.apply([{ kind: "create", table: "proxy-ip", index: 2, parent: 1, fields }], never);
      const between = await driver.read(never);
      expect(between.rows.find((row) => row.table === "proxy-ip" && row.index === 2)?.fields).toMatchObject(fields);
      await driver.apply([{ kind: "delete", table: "proxy-ip", index: 2, parent: 1, name: "" }], never);
      expect((await driver.read(never)).rows).toEqual(before.rows);
    });

    it("deletes what it created and leaves the device as it was", async () => {
      const before = await driver.read(never);
      await driver.apply(customer(5), never);
      await driver.apply(
        [
          { kind: "delete", table: "ip-group", index: 5, name: "IPG_5" },
          { kind: "delete", table: "proxy-set", index: 5, name: "PS_5" },
        ],
        never,
      );
      const after = await driver.read(never);
      expect(after.rows).toEqual(before.rows);
      expect(after.fingerprint).toBe(before.fingerprint);
    });

    it("carries many rows in one script", async () => {
      const many = Array.from({ length: 100 }, (_, at) => customer(10 + at));
      await driver.apply(many.flat(), never);
      const config = await driver.read(never);
      for (const steps of many) expectRows(config, steps);
    });

    it("carries every printable character that names and texts may hold", async () => {
      const name = "!#$%&'()*+,-.:<=>?@[]^_`{|}~ 09AZaz";
      const fields = { name, tags: "T'r#u%n&k=!$(x)?", "local-host-name": "a/b;c,d" };
      await driver.apply([{ kind: "create", table: "ip-group", index: 6, fields }], never);
      expect(rowOf(await driver.read(never), "ip-group", 6)?.fields).toMatchObject(fields);
    });

    it("keeps secrets out of rows, lines and words, and carries them to the device", async () => {
      const fields = {
        "served-ip-group-name": "Teams-OC",
        "serving-ip-group-name": "Teams-OC",
        "host-name": "tel.example",
        password: "s3cret-trunk?",
      };
      const steps: Step[] = [{ kind: "create", table: "account", index: 4, fields }];
      const transcript = await driver.apply(steps, never);
      const config = await driver.read(never);
      const row = rowOf(config, "account", 4);
      expect(row?.fields).toMatchObject({ "host-name": "tel.example" });
      expect(row?.fields["password"]).toBeUndefined();
      const seen = JSON.stringify([transcript, driver.render(steps), config.rows, config.mentions]);
      expect(seen).not.toContain("s3cret");
      expect(transcript.lines.join("\n")).toContain("password ********");
      const { running } = await device.state();
      expect(running["Account"]?.[0]?.fields["Password"]).toBeTruthy();
    });

    it("writes nothing for a step that it may not write", async () => {
      const before = await device.state();
      const steps: Step[] = [...customer(5), { kind: "create", table: "srd", index: 3, fields: { name: "X" } }];
      expect(await faultOf(driver.apply(steps, never))).toMatchObject({ code: "unsupported", mayHaveActed: false });
      expect(() => driver.render(steps)).toThrow(DriverError);
      expect(await device.state()).toEqual(before);
    });

    it("refuses every field that the device does not have, before anything is sent", async () => {
      const before = await device.state();
      await driver.read(never);
      for (const table of ["proxy-set", "ip-group", "account"] as const)
        for (const field of generation.lacks[table]) {
          const [values, index] = [{ ...keysOf[table], [field]: "1" }, 8];
          const steps: Step[] = [...customer(5), { kind: "create", table, index, fields: values }];
          const refused = await faultOf(driver.apply(steps, never));
          expect(refused).toMatchObject({ code: "unsupported", mayHaveActed: false });
          for (const part of ["edge-1", table, field]) expect(refused.message).toContain(part);
          expect(() => driver.render(steps)).toThrow(refused.message);
        }
      expect(await device.state()).toEqual(before);
    });

    it("says busy when the device cannot take writes, and has then written nothing", async () => {
      await device.fault({ kind: "busy" });
      const before = await device.state();
      expect(await faultOf(driver.apply(customer(5), never))).toMatchObject({ code: "busy", mayHaveActed: false });
      expect(await faultOf(driver.save(never))).toMatchObject({ code: "busy", mayHaveActed: false });
      expect(await device.state()).toEqual(before);
      expect((await driver.read(never)).rows).not.toEqual([]);
    });

    it("says rejected when a line is refused, with the device's words; earlier rows may stand", async () => {
      await device.fault({ kind: "refused line", match: "PS_6", words: "Invalid value: so says the device" });
      const fault = await faultOf(driver.apply([...customer(5), ...customer(6)], never));
      expect(fault).toMatchObject({ code: "rejected", mayHaveActed: true });
      expect(fault.deviceText).toContain("so says the device");
      const names = (await driver.read(never)).rows.map((row) => row.fields["name"]);
      expect(names.includes("IPG_5")).toBe(driver.describe().capabilities.partialScripts);
    });

    it("says that it may have acted when the answer is lost, and a read shows what happened", async () => {
      await device.fault({ kind: "lost answer" });
      expect(await faultOf(driver.apply(customer(5), never))).toMatchObject({
        code: "unreachable",
        mayHaveActed: true,
      });
      expectRows(await driver.read(never), customer(5));
    });

    it("gives up at its deadline when the device is silent, and works again afterwards", async () => {
      const hurried = device.open({
        deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 1_000, saveMs: 1_000 },
      });
      await hurried.status(never);
      await device.fault({ kind: "silent" });
      expect(await faultOf(hurried.apply(customer(5), never))).toMatchObject({ code: "timeout", mayHaveActed: true });
      expect(await faultOf(hurried.save(never))).toMatchObject({ code: "timeout", mayHaveActed: true });
      expect((await hurried.read(never)).rows).not.toEqual([]);
      await hurried.close();
    });

    it("gives up when the caller does", async () => {
      await device.fault({ kind: "silent" });
      const stop = new AbortController();
      const applying = faultOf(driver.apply(customer(5), stop.signal));
      stop.abort();
      expect(await applying).toMatchObject({ code: "timeout" });
    });

    it.each(["a driver that was used", "a driver that was not"])(
      "sends nothing once the caller gave up: %s",
      async (used) => {
        await driver.apply(customer(5), never);
        const before = await device.state();
        const fresh = device.open();
        const chosen = used === "a driver that was used" ? driver : fresh;
        const gone = AbortSignal.abort();
        const calls = {
          status: () => chosen.status(gone),
          read: () => chosen.read(gone),
          save: () => chosen.save(gone),
          ...(chosen === driver ? { apply: () => chosen.apply(customer(6), gone) } : {}),
        };
        for (const [name, call] of Object.entries(calls)) {
          const { code, mayHaveActed } = await faultOf(call());
          expect([name, code, mayHaveActed]).toEqual([name, "timeout", false]);
        }
        expect(await device.state()).toEqual(before);
        expect((await driver.read(never)).rows.length).toBeGreaterThan(0);
        await fresh.close();
      },
    );

    it("takes no read that is not complete", async () => {
      await device.fault({ kind: "cut read" });
      expect(await faultOf(driver.read(never))).toMatchObject({ code: "protocol", mayHaveActed: false });
    });

    it("tries a refused log-in once", async () => {
      await device.fault({ kind: "refused log-in" });
      const refused = device.open();
      expect(await faultOf(refused.status(never))).toMatchObject({ code: "auth", mayHaveActed: false });
      expect(await device.failedLogIns()).toBe(1);
      await refused.close();
    });

    it("backs up a configuration that holds every row", async () => {
      await driver.apply(customer(5), never);
      const backup = await driver.backup(never);
      for (const text of ["IPG_5", "PS_5", "sip2.example:5061", "SIF_Teams"]) expect(backup).toContain(text);
    });

    it("can be closed twice, and before it was used", async () => {
      await driver.close();
      await driver.close();
      await device.open().close();
    });
  });
}

/** What every driver must do on firmware that it can only read. */
export function testReadingDriver(name: string, generation: Generation, start: Start): void {
  describe(name, () => {
    let device: DriverEnvironment;
    let driver: Driver;

    beforeEach(async () => {
      device = await start(startingIni(generation));
      driver = device.open();
      await driver.status(never);
    });
    afterEach(async () => {
      await driver.close();
      await device.stop();
    });

    it("describes it, and says why it is not written", () => {
      const { dialect, readOnly } = driver.describe();
      expect(dialect).toBe(generation.dialect);
      expect(readOnly).toContain(generation.firmware);
    });

    it("reads all rows with the fields that it has", async () => {
      const config = await driver.read(never);
      expectColumns(config, generation);
      expect(rowOf(config, "proxy-set", 1)).toMatchObject({
        active: true,
        fields: {
          "proxy-name": "Teams-OC",
          "proxy-enable-keep-alive": "using-options",
          "proxy-load-balancing-method": "random-weights",
          "sbcipv4-sip-int-name": "SIF_Teams",
        },
      });
      expect(rowOf(config, "ip-group", 1)?.fields).toMatchObject({
        name: "Teams-OC",
        type: "server",
        "classify-by-proxy-set": "disable",
      });
      const addresses = config.rows.filter((row) => row.table === "proxy-ip");
      expect(addresses.map((row) => [row.parent, row.index, row.fields])).toEqual([
        [1, 0, { "proxy-address": "sip.example:5061", "transport-type": "tls" }],
        [1, 1, { "proxy-address": "sip2.example:5061", "transport-type": "tls" }],
      ]);
    });

    it("reads without changing anything", async () => {
      const before = await device.state();
      expect(await driver.read(never)).toEqual(await driver.read(never));
      expect(await device.state()).toEqual(before);
    });

    it("takes no read that is not complete", async () => {
      await device.fault({ kind: "cut read" });
      expect(await faultOf(driver.read(never))).toMatchObject({ code: "protocol", mayHaveActed: false });
    });

    it("writes nothing, whether it was read before or not", async () => {
      const before = await device.state();
      const step: Step = {
        kind: "update",
        table: "ip-group",
        index: 1,
        name: "Teams-OC",
        set: { "contact-user": "x" },
      };
      for (const steps of [[step], customer(5)])
        for (const read of [false, true]) {
          if (read) await driver.read(never);
          const refused = await faultOf(driver.apply(steps, never));
          expect(refused).toMatchObject({ code: "unsupported", mayHaveActed: false });
          for (const part of ["edge-1", generation.firmware]) expect(refused.message).toContain(part);
          expect(() => driver.render(steps)).toThrow(refused.message);
        }
      expect(driver.render([])).toEqual([]);
      expect(await device.state()).toEqual(before);
    });

    it("backs up a configuration that holds every row", async () => {
      const backup = await driver.backup(never);
      for (const text of ["Teams-OC", "sip2.example:5061", "SIF_Teams"]) expect(backup).toContain(text);
    });
  });
}

const keysOf = {
  "proxy-set": { "proxy-name": "PS_8" },
  "ip-group": { name: "IPG_8" },
  account: { "served-ip-group-name": "Teams-OC", "serving-ip-group-name": "IPG_5" },
};

/** The fields of each table are those of its columns. Accounts are not there to show theirs. */
function expectColumns(config: DeviceConfig, { lacks }: Generation): void {
  for (const table of ["proxy-set", "proxy-ip", "ip-group"] as const)
    expect([table, ...(config.columns.get(table) ?? [])]).toEqual([
      table,
      ...(mediantTables.get(table)?.fields ?? [])
        .map(({ name }) => name)
        .filter((name) => !lacks[table].includes(name)),
    ]);
}

/** The rows of one customer, all with the same index. */
function customer(index: number): Step[] {
  return [
    {
      kind: "create",
      table: "proxy-set",
      index,
      fields: {
        "proxy-name": `PS_${index}`,
        "sbcipv4-sip-int-name": "SIF_Teams",
        "srd-name": "DefaultSRD",
        "proxy-enable-keep-alive": "using-options",
        "proxy-keep-alive-time": "120",
      },
    },
    address(index, 0),
    address(index, 1),
    {
      kind: "create",
      table: "ip-group",
      index,
      fields: {
        tags: `Trunk=tenant-${index}`,
        name: `IPG_${index}`,
        "proxy-set-name": `PS_${index}`,
        "srd-name": "DefaultSRD",
        "media-realm-name": "MR_WAN",
        "classify-by-proxy-set": "enable",
      },
    },
  ];
}

function address(parent: number, index: number): Step {
  const fields = { "proxy-address": `host-${index}.set-${parent}.example:5060`, "transport-type": "tcp" };
  return { kind: "create", table: "proxy-ip", index, parent, fields };
}

function rowOf(config: DeviceConfig, table: TableName, index: number, parent?: number): Row | undefined {
  return config.rows.find((row) => row.table === table && row.index === index && row.parent === parent);
}

function expectRows(config: DeviceConfig, steps: readonly Step[]): void {
  for (const step of steps)
    if (step.kind === "create")
      expect(rowOf(config, step.table, step.index, step.parent)).toMatchObject({ active: true, fields: step.fields });
}

/** All tables but those that a customer's rows go to. */
function others(rows: DeviceRows): DeviceRows {
  return Object.fromEntries(Object.entries(rows).filter(([table]) => !/^(?:ProxySet|ProxyIp|IPGroup)$/.test(table)));
}
