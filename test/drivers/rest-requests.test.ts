import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { Driver, Step } from "../../drivers/driver.ts";
import type { FakeDevice, Handler } from "./fake-device.ts";
import { faultOf, json, never, openDriver, password, startFakeDevice, text } from "./fake-device.ts";
import { printIni, printRunning, sampleRow, sampleRows } from "./mediant/samples.ts";

let device: FakeDevice | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await device?.close();
});

const status = { versionID: "7.40A.250.440", saveNeeded: false };
const step: Step = { kind: "create", table: "ip-group", index: 5, fields: { name: "IPG", tags: "Trunk=x" } };
const account: Step = {
  kind: "create",
  table: "account",
  index: 1,
  fields: { "served-ip-group-name": "IPG", "serving-ip-group-name": "IPG", password: "s3cret-trunk" },
};

async function open(routes: Record<string, Handler>): Promise<Driver> {
  device = await startFakeDevice((request, response, body) => {
    const path = (request.url ?? "").replace("/api/v1/", "");
    const handler = routes[path];
    if (handler !== undefined) handler(request, response, body);
    else if (path === "status") json(response, 200, status);
    else if (path === "files/cliScript") text(response, 200, printRunning(sampleRows));
    else if (path === "files/ini") text(response, 200, printIni(sampleRows));
    else if (path === "files/cliScript/incremental") json(response, 200, { status: "success", output: "" });
    else if (path === "actions/saveConfiguration") response.writeHead(200).end();
    else response.writeHead(404).end();
  });
  driver = openDriver(device.address);
  await driver.status(never);
  return driver;
}

const sent = (path: string) => device?.requests.filter((request) => request.url === `/api/v1/${path}`) ?? [];

describe("what the REST driver asks", () => {
  it("logs in with Basic authentication on every request, over one connection while it asks one thing at a time", async () => {
    const one = await open({});
    await one.status(never);
    await one.save(never);
    const credentials = `Basic ${Buffer.from(`agent:${password}`).toString("base64")}`;
    expect(device?.requests.map((request) => request.headers.authorization)).toEqual([
      credentials,
      credentials,
      credentials,
    ]);
    expect(device?.connections()).toBe(1);
  });

  it("sends a script as one multipart file of exact length, with CRLF lines and without Expect", async () => {
    const one = await open({});
    await one.apply([step], never);
    const [request] = sent("files/cliScript/incremental");
    expect(request?.method).toBe("PUT");
    expect(request?.headers.expect).toBeUndefined();
    expect(request?.headers["transfer-encoding"]).toBeUndefined();
    expect(Number(request?.headers["content-length"])).toBe(Buffer.byteLength(request?.body ?? ""));
    const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(request?.headers["content-type"] ?? "")?.[1] ?? "";
    expect(request?.body.split("\r\n")).toEqual([
      `--${boundary}`,
      'Content-Disposition: form-data; name="file"; filename="cli.txt"',
      "Content-Type: application/octet-stream",
      "",
      "configure voip",
      " ip-group 5",
      '  tags "Trunk=x"',
      '  name "IPG"',
      "  activate",
      " exit",
      "exit",
      "",
      `--${boundary}--`,
      "",
    ]);
  });

  it("saves with an empty body of length 0", async () => {
    const one = await open({});
    await one.save(never);
    const [request] = sent("actions/saveConfiguration");
    expect(request).toMatchObject({ method: "POST", body: "" });
    expect(request?.headers["content-length"]).toBe("0");
    expect(request?.headers["transfer-encoding"]).toBeUndefined();
  });

  it("reads both texts at once", async () => {
    const waiting: (() => void)[] = [];
    const together = (answer: () => void) => {
      waiting.push(answer);
      if (waiting.length === 2) for (const go of waiting) go();
    };
    const one = await open({
      "files/cliScript": (_request, response) => together(() => text(response, 200, printRunning(sampleRows))),
      "files/ini": (_request, response) => together(() => text(response, 200, printIni(sampleRows))),
    });
    const read = await one.read(never);
    expect(read.rows).toHaveLength(sampleRows.length);
  });

  it("backs up the INI that was just read, and asks anew once something was written", async () => {
    const one = await open({});
    await one.read(never);
    expect(await one.backup(never)).toBe(printIni(sampleRows));
    expect(sent("files/ini")).toHaveLength(1);
    await one.apply([step], never);
    expect(await one.backup(never)).toBe(printIni(sampleRows));
    expect(sent("files/ini")).toHaveLength(2);
  });

  it("sends nothing for an empty plan", async () => {
    const one = await open({});
    expect(await one.apply([], never)).toEqual({ lines: [], output: "" });
    expect(sent("files/cliScript/incremental")).toEqual([]);
  });

  it("sends nothing for a step that may not be written", async () => {
    const one = await open({});
    const fault = await faultOf(one.apply([{ ...step, table: "srd" }], never));
    expect(fault).toMatchObject({ code: "unsupported", mayHaveActed: false });
    expect(sent("files/cliScript/incremental")).toEqual([]);
  });

  it("refuses a field that the last read did not show, until the firmware changes", async () => {
    const old = printIni([]).concat("[ IPGroup ]\r\nFORMAT Index = Name;\r\n[ \\IPGroup ]\r\n");
    const state = { firmware: "7.20A.258.119" };
    const one = await open({
      status: (_request, response) => json(response, 200, { versionID: state.firmware }),
      "files/cliScript": (_request, response) => text(response, 200, printRunning([])),
      "files/ini": (_request, response) => text(response, 200, old),
    });
    await one.read(never);
    expect(() => one.render([step])).toThrow(
      "edge-1: cannot render: create ip-group 5: this device shows no field tags in ip-group: take it out of the blueprint, or update the firmware (it is 7.20A.258.119)",
    );
    state.firmware = "7.40A.250.440";
    await one.status(never);
    expect(one.render([step])).toContain('  tags "Trunk=x"');
  });

  it("writes before the first read only what every load of the firmware's line has", async () => {
    const one = await open({ status: (_request, response) => json(response, 200, { versionID: "7.20A.258.119" }) });
    const wide: Step = { ...step, fields: { ...step.fields, "internal-media-realm-name": "MR" } };
    expect(one.render([step])).toContain('  tags "Trunk=x"');
    expect(await faultOf(one.apply([wide], never))).toMatchObject({ code: "unsupported", mayHaveActed: false });
    expect(sent("files/cliScript/incremental")).toEqual([]);
    await one.read(never);
    expect(one.render([wide])).toContain('  internal-media-realm-name "MR"');
  });

  it("writes a field that came later than the firmware's line where the device's own FORMAT line has it", async () => {
    const one = await open({ status: (_request, response) => json(response, 200, { versionID: "7.20A.260.012" }) });
    const steps: Step[] = [
      { kind: "update", table: "proxy-set", index: 1, name: "PS_Teams", set: { "accept-dhcp-proxy-list": "enable" } },
    ];
    expect(() => one.render(steps)).toThrow("shows no field accept-dhcp-proxy-list in proxy-set");
    await one.read(never);
    expect(one.render(steps)).toContain("  accept-dhcp-proxy-list enable");
  });

  it("writes nothing to a device that prints the shape of 7.0", async () => {
    const inside = /(   proxy-set 1\r\n[^]*?)((?:    proxy-ip \d+\r\n(?:     .*\r\n)+    exit\r\n)+)(   exit\r\n)/;
    const beside = (_all: string, set: string, addresses: string, exit: string) =>
      `${set}${exit}${addresses.replaceAll(/^ /gm, "").replaceAll("proxy-ip ", "proxy-ip 1/")}`;
    const old = printRunning(sampleRows).replace(inside, beside);
    const one = await open({
      status: (_request, response) => json(response, 200, { versionID: "7.20A.000.042" }),
      "files/cliScript": (_request, response) => text(response, 200, old),
    });
    const read = await one.read(never);
    expect(read.rows.filter(({ table }) => table === "proxy-ip").map(({ index }) => index)).toEqual([0, 3]);
    expect(one.describe().readOnly).toContain("shape of 7.0");
    expect(await faultOf(one.apply([step], never))).toMatchObject({ code: "unsupported", mayHaveActed: false });
    expect(sent("files/cliScript/incremental")).toEqual([]);
  });

  it("takes a device that prints fewer blocks at its word once it has said the same twice", async () => {
    const whole = printRunning(sampleRows);
    const short = whole.slice(0, whole.indexOf("## TROUBLESHOOT"));
    const one = await open({ "files/cliScript": (_request, response) => text(response, 200, short) });
    expect((await one.read(never)).rows).toHaveLength(sampleRows.length);
    expect(sent("files/cliScript")).toHaveLength(2);
    await one.read(never);
    expect(sent("files/cliScript")).toHaveLength(3);
  });

  it("does not take a text that ends between two blocks for the whole", async () => {
    const whole = printRunning(sampleRows);
    const short = whole.slice(0, whole.indexOf("## TROUBLESHOOT"));
    const answers = [short, whole];
    const one = await open({ "files/cliScript": (_request, response) => text(response, 200, answers.shift() ?? "") });
    expect((await one.read(never)).mentions.map(({ from }) => from)).toContain("test-call test-call-table 0");
    expect(sent("files/cliScript")).toHaveLength(2);
  });

  it("gives up with a protocol error when texts that lack blocks keep differing", async () => {
    const whole = printRunning(sampleRows);
    const ends = ["## TROUBLESHOOT", "## ADMINISTRATION", "## TROUBLESHOOT"];
    const one = await open({
      "files/cliScript": (_request, response) => text(response, 200, whole.slice(0, whole.indexOf(ends.shift() ?? ""))),
    });
    const fault = await faultOf(one.read(never));
    expect(fault).toMatchObject({ code: "protocol" });
    expect(fault.message).toContain(
      'edge-1: the running configuration is not complete: it lacks "configure troubleshoot"',
    );
  });

  it("does not take a device for one that prints few blocks because it once printed fewer", async () => {
    const whole = printRunning(sampleRows);
    const cut = (title: string) => whole.slice(0, whole.indexOf(title));
    const answers = [cut("## TROUBLESHOOT"), cut("## TROUBLESHOOT"), cut("## ADMINISTRATION"), cut("## TROUBLESHOOT")];
    const one = await open({ "files/cliScript": (_request, response) => text(response, 200, answers.shift() ?? "") });
    const first = await one.read(never);
    expect(await one.read(never)).toEqual(first);
    expect(answers).toEqual([]);
  });

  it("reads again when the two texts disagree, and takes the next ones that agree", async () => {
    const answers = [printIni([]), printIni([]), printIni(sampleRows)];
    const one = await open({ "files/ini": (_request, response) => text(response, 200, answers.shift() ?? "") });
    expect((await one.read(never)).rows).toHaveLength(sampleRows.length);
    expect(sent("files/cliScript")).toHaveLength(3);
  });

  describe("a value that stands in the INI alone, where it is not the default", () => {
    const printed = [sampleRow("ip-group", 1, { name: "A" })];
    const shown = (realm: string) => [sampleRow("ip-group", 1, { name: "A", "media-realm-name": realm })];
    const openWith = (realmInIni: () => string): Promise<Driver> =>
      open({
        "files/cliScript": (_request, response) => text(response, 200, printRunning(printed)),
        "files/ini": (_request, response) => text(response, 200, printIni(shown(realmInIni()))),
      });
    const realmsOf = async (one: Driver) =>
      (await one.read(never)).rows.map(({ fields }) => fields["media-realm-name"]);

    it("is read again: somebody may have written between the two texts", async () => {
      const inis = ["MR_WAN", ""];
      const one = await openWith(() => inis.shift() ?? "");
      expect(await realmsOf(one)).toEqual([""]);
      expect(sent("files/cliScript")).toHaveLength(2);
    });

    it("is taken once the device has said the same twice: it may never print that field", async () => {
      const one = await openWith(() => "MR_WAN");
      expect(await realmsOf(one)).toEqual(["MR_WAN"]);
      expect(await realmsOf(one)).toEqual(["MR_WAN"]);
      expect(sent("files/cliScript")).toHaveLength(3);
    });
  });

  it("gives up with a protocol error when the two texts keep disagreeing", async () => {
    const one = await open({ "files/ini": (_request, response) => text(response, 200, printIni([])) });
    const fault = await faultOf(one.read(never));
    expect(fault.code).toBe("protocol");
    expect(fault.message).toContain("edge-1: the running configuration and the INI file disagree");
    expect(sent("files/ini")).toHaveLength(3);
  });

  it("does not take a read whose length was not announced", async () => {
    const one = await open({
      "files/ini": (_request, response) => {
        response.useChunkedEncodingByDefault = false;
        response.writeHead(200, { Connection: "close" });
        response.end(printIni(sampleRows));
      },
    });
    expect(await faultOf(one.read(never))).toMatchObject({ code: "protocol" });
  });

  it("keeps configuration that is not UTF-8 apart", async () => {
    const row = sampleRow("proxy-set", 1, { "proxy-name": "Koeln" });
    const latin = (value: string) => Buffer.from(value.replaceAll("Koeln", "Köln"), "latin1");
    const answer =
      (value: string): Handler =>
      (_request, response) => {
        const bytes = latin(value);
        response.writeHead(200, { "Content-Length": bytes.length }).end(bytes);
      };
    const one = await open({ "files/ini": answer(printIni([row])), "files/cliScript": answer(printRunning([row])) });
    expect((await one.read(never)).rows[0]?.fields["proxy-name"]).toBe("Köln");
  });

  it("strikes the secrets of a script out of what it prints and what the device says", async () => {
    const one = await open({
      "files/cliScript/incremental": (_request, response, body) => {
        expect(body).toContain('password "s3cret-trunk"');
        json(response, 200, { output: `password s3cret-trunk s3cret-trunk\r\n${password}\r\nDone` });
      },
    });
    const transcript = await one.apply([account], never);
    expect(transcript.lines).toContain("  password ********");
    expect(transcript.output).toBe("password ******** ********\r\n********\r\nDone");
  });

  it("keeps no secret on itself", async () => {
    const one = await open({});
    await one.apply([account], never);
    const seen = inspect(one, { depth: 20, showHidden: true }) + JSON.stringify(one);
    expect(seen).not.toMatch(/hunter2|s3cret/);
  });
});

describe("what the REST driver makes of the status", () => {
  it.each([
    [
      { versionID: "7.40A.100.838", productType: "VE", serialNumber: 985, saveNeeded: "true", resetNeeded: false },
      { firmware: "7.40A.100.838", product: "VE", serialNumber: "985", saveNeeded: true, resetNeeded: false },
    ],
    [{}, { firmware: "unknown", saveNeeded: "unknown", locked: "unknown", upgrading: "unknown", upTime: "unknown" }],
    [
      { operationalState: "LOCKED", highAvailability: "Operational", upgradeStatus: "None", systemUpTime: 13420550 },
      { locked: true, highAvailability: true, upgrading: false, upTime: 13420550 },
    ],
    [
      { operationalState: "UNLOCKED", highAvailability: "Not Operational", upgradeStatus: "Hitless-beforeSwitchOver" },
      { locked: false, highAvailability: false, upgrading: true },
    ],
    [{ upgradeStatus: "None", mcUpgradeStatus: "In Progress" }, { upgrading: true }],
  ])("%j", async (answer, expected) => {
    const one = await open({ status: (_request, response) => json(response, 200, answer) });
    expect(await one.status(never)).toMatchObject(expected);
  });

  it("describes the device by firmware and model", async () => {
    const one = await open({});
    expect(one.describe()).toMatchObject({
      dialect: "mediant-7.4",
      limits: { "ip-group": 1_500 },
      capabilities: { saveNeeded: true, partialScripts: true, givesBack: false },
    });
  });

  it("takes the older fields where the device hides its version", async () => {
    const one = await open({ status: (_request, response) => json(response, 200, {}) });
    expect(one.describe()).toMatchObject({ dialect: "mediant-7.2", capabilities: { saveNeeded: false } });
  });

  it("reads firmware whose shapes it does not write, and says so", async () => {
    const one = await open({ status: (_request, response) => json(response, 200, { versionID: "7.00A.049.003" }) });
    expect(one.describe()).toMatchObject({
      dialect: "mediant-7.0",
      readOnly: expect.stringContaining("7.00A.049.003 can be read but not provisioned") as unknown,
    });
    expect((await one.read(never)).rows).toHaveLength(sampleRows.length);
    expect(await faultOf(one.apply([step], never))).toMatchObject({ code: "unsupported", mayHaveActed: false });
    expect(one.render([])).toEqual([]);
    expect(sent("files/cliScript/incremental")).toEqual([]);
  });

  it("reads firmware that it cannot provision", async () => {
    const one = await open({ status: (_request, response) => json(response, 200, { versionID: "6.60A.100.010" }) });
    expect(() => one.describe()).toThrow("6.60A.100.010 are not known");
    expect(() => one.render([step])).toThrow("not known");
    expect((await one.read(never)).rows).toHaveLength(sampleRows.length);
  });

  it("knows no tables before it was asked for its status", async () => {
    device = await startFakeDevice((_request, response) => json(response, 200, status));
    driver = openDriver(device.address);
    expect(() => driver?.describe()).toThrow("ask for its status first");
  });

  it("names the models it knows when asked about another", async () => {
    await open({});
    driver = openDriver(device?.address ?? "", { model: "ve-5gb" });
    await driver.status(never);
    expect(() => driver?.describe()).toThrow(/ve-5gb.*ve-4gb/);
  });
});
