import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import {
  control,
  customerLines,
  demoIni,
  rest,
  rowAt,
  runningConfig,
  script,
  startDevice,
  state,
  upload,
} from "./device.ts";

const refused = [
  ...customerLines.slice(0, 11),
  " ip-group 5",
  '  name "a/b"',
  '  proxy-set-name "SIPTrunk"',
  "  activate",
];

describe("an incremental script", () => {
  it("is applied without a save and answers what it printed", async () => {
    const mock = await startDevice();
    const answer = await script(mock, [...customerLines, "show system version | grep Serial"]);
    expect(answer.json()).toEqual({
      status: "success",
      description: "Incremental CLI Script file was loaded.",
      output: "Done\r\nDone\r\nDone\r\n;Serial Number: 214365870912345",
    });
    expect(await rowAt(mock, "IPGroup", 5)).toMatchObject({ active: true, fields: { ProxySetName: "SIPTrunk" } });
    expect((await state(mock)).startup["IPGroup"]).toHaveLength(3);
  });

  it.each(["\r\n", "\n", "\r"])("takes lines that end in %j", async (lineEnd) => {
    const mock = await startDevice();
    await upload(mock, "files/cliScript/incremental", customerLines.join(lineEnd));
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
  });

  it("takes the first part whatever its name, and nothing that is not multipart", async () => {
    const mock = await startDevice();
    expect((await upload(mock, "files/cliScript/incremental", "show system version", { field: "" })).status).toBe(200);
    const raw = await rest(mock, "files/cliScript/incremental", { method: "PUT", body: customerLines.join("\r\n") });
    expect(raw.status).toBe(400);
    expect(await rowAt(mock, "IPGroup", 5)).toBeUndefined();
  });

  it("stops at a refused line, keeps what was before it, and says failed", async () => {
    const mock = await startDevice();
    const answer = (await script(mock, refused)).json();
    expect(answer).toMatchObject({ status: "failed", output: expect.stringContaining('name "a/b"') as string });
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(true);
    expect(await rowAt(mock, "IPGroup", 5)).toMatchObject({ active: false, fields: { ProxySetName: "" } });
  });

  it("goes on after a refused line when set so", async () => {
    const mock = await startDevice({ settings: { onRefusedLine: "continue" } });
    expect((await script(mock, refused)).json()).toMatchObject({ status: "failed" });
    expect((await rowAt(mock, "IPGroup", 5))?.fields["ProxySetName"]).toBe("SIPTrunk");
  });

  it("applies nothing when one line would be refused and the setting says so", async () => {
    const mock = await startDevice({ settings: { onRefusedLine: "reject-all" } });
    expect((await script(mock, refused)).json()).toMatchObject({ status: "failed" });
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
    expect((await state(mock)).saveNeeded).toBe(false);
    expect((await script(mock, customerLines)).json()).toMatchObject({ status: "success" });
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
  });

  it("answers a refused line with 400, or with success and the text in output, when set so", async () => {
    const mock = await startDevice({ settings: { refusalAnswer: "400" } });
    expect((await script(mock, refused)).status).toBe(400);
    await control(mock, "PUT", "/settings", { refusalAnswer: "output-only", texts: { badValue: "nonsense" } });
    expect((await script(mock, ["configure voip", "ip-group 8", 'name "a/b"'])).json()).toMatchObject({
      status: "success",
      output: expect.stringContaining("nonsense") as string,
    });
  });

  it("never prints a secret in clear", async () => {
    const mock = await startDevice();
    await script(mock, [
      "configure voip",
      "sip-definition account 1",
      "serving-ip-group-name IPG_Fabrikam",
      'password "s3cret pass"',
    ]);
    const texts = [
      await runningConfig(mock),
      (await rest(mock, "files/ini")).text,
      (await control(mock, "GET", "/state")).text,
    ];
    for (const text of texts) expect(text).not.toContain("s3cret");
    expect(texts[0]).toMatch(/password [0-9a-f]{96} obscured/);
    expect((await rowAt(mock, "Account", 1))?.fields["Password"]).toMatchObject({ set: true });
  });
});

describe("the running configuration", () => {
  it("has the layout of a terminal", async () => {
    const mock = await startDevice();
    const text = await runningConfig(mock);
    const [first, second] = text.split("\r\n\r\n  configure voip\r\n");
    expect(first).toMatch(
      /^# Running Configuration Mediant VE SBC\r\n\r\n\r\n## IP NETWORK\r\n\r\n {2}configure network\r\n/,
    );
    expect(first).toMatch(/\r\n {2}exit\r\n\r\n## SIGNALING & MEDIA$/);
    expect(second).toMatch(/## TROUBLESHOOT\r\n\r\n {2}configure troubleshoot\r\n {2}exit\r\n\r\n\r\n\r\n$/);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("prints a Proxy Set with its own parameters before its addresses", async () => {
    const mock = await startDevice();
    expect(await runningConfig(mock)).toContain(
      [
        "   proxy-set 3",
        '    proxy-name "PS_Fabrikam"',
        "    proxy-enable-keep-alive using-options",
        "    is-proxy-hot-swap enable",
        "    proxy-redundancy-mode homing",
        '    keepalive-fail-resp "500,503"',
        '    sbcipv4-sip-int-name "SIF_WAN"',
        "    activate",
        "    proxy-ip 0",
        '     proxy-address "198.51.100.20:5060"',
        "     transport-type udp",
        "     activate",
        "    exit",
        "    proxy-ip 1",
      ].join("\r\n"),
    );
  });

  it("marks inactive rows", async () => {
    const mock = await startDevice();
    await script(mock, ["configure voip", "proxy-set 5", 'proxy-name "X"', "exit"]);
    expect(await runningConfig(mock)).toContain(
      [
        "   # The following line is not activated",
        "   proxy-set 5",
        '    proxy-name "X"',
        "    no activate",
        "   exit",
      ].join("\r\n"),
    );
  });

  it("names the SRD only where DefaultSRD is not alone", async () => {
    const mock = await startDevice();
    expect(await runningConfig(mock)).not.toContain("srd-name");
    await script(mock, ["configure voip", "srd 1", 'name "SRD_X"', "exit"]);
    expect(await runningConfig(mock)).toContain('    srd-name "DefaultSRD"');
  });

  it("can be played back on an empty device", async () => {
    const mock = await startDevice();
    await script(mock, [...customerLines, "configure voip", "proxy-set 6", 'proxy-name "X"', "exit"]);
    const text = await runningConfig(mock);
    // One row of the device names another that does not exist.
    const empty = await startDevice({ ini: "", name: "Mediant VE SBC", settings: { references: "inactive" } });
    expect((await upload(empty, "files/cliScript/incremental", text)).json()).toMatchObject({ status: "success" });
    expect(await runningConfig(empty)).toBe(text);
  });
});

describe("a full upload", () => {
  it("of CLI text replaces everything, is saved, and resets", async () => {
    const mock = await startDevice();
    const answer = await upload(
      mock,
      "files/cliScript",
      'configure voip\r\n srd 1\r\n  name "SRD_1"\r\n  activate\r\n',
    );
    expect(answer.json()).toEqual({ description: "Device will reset now to activate new configuration" });
    const { running, startup } = await state(mock);
    expect(running["ProxySet"]).toEqual([]);
    expect(startup["SRD"]?.map((row) => row.fields["Name"])).toEqual(["DefaultSRD", "SRD_1"]);
    expect(mock.device.recorder.stats.resets).toBe(1);
  });

  it("of CLI text with a wrong line changes nothing", async () => {
    const mock = await startDevice();
    expect((await upload(mock, "files/cliScript", "configure voip\r\n nonsense\r\n")).status).toBe(400);
    expect(mock.device.recorder.stats.resets).toBe(0);
    expect((await state(mock)).running["ProxySet"]).toHaveLength(3);
  });

  it("of an INI file replaces everything and resets", async () => {
    const mock = await startDevice();
    await script(mock, customerLines);
    const answer = await upload(mock, "files/ini", demoIni);
    expect(answer.json()).toEqual({ description: "Device will reset now to activate new configuration" });
    expect((await rest(mock, "files/ini")).text).toBe(demoIni);
  });

  it.each([
    ["a table that is not closed", "[ SRD ]\r\nFORMAT Index = Name;\r\n"],
    ["a row that does not match FORMAT", '[ SRD ]\r\nFORMAT Index = Name;\r\nSRD 0 = "a", 1;\r\n[ \\SRD ]\r\n'],
    ["a row that stands twice", '[ SRD ]\r\nFORMAT Index = Name;\r\nSRD 0 = "a";\r\nSRD 0 = "b";\r\n[ \\SRD ]\r\n'],
    ["nothing", ""],
  ])("of an INI file with %s is refused", async (_what, ini) => {
    const mock = await startDevice();
    expect((await upload(mock, "files/ini", ini)).status).toBe(400);
    expect((await upload(mock, "files/ini/incremental", ini)).status).toBe(400);
    expect(mock.device.recorder.stats.resets).toBe(0);
  });
});

describe("an incremental INI file", () => {
  const block = (columns: string, ...rows: string[]) =>
    ["[ ProxySet ]", `FORMAT Index = ${columns};`, ...rows, "[ \\ProxySet ]", ""].join("\r\n");
  const part = block("ProxyName, SBCIPv4SIPInterfaceName", 'ProxySet 3 = "PS_Fabrikam", "SIF_WAN";');

  it("sets columns that it leaves out to their defaults and keeps other rows", async () => {
    const mock = await startDevice();
    expect((await upload(mock, "files/ini/incremental", part)).status).toBe(200);
    expect((await rowAt(mock, "ProxySet", 3))?.fields).toMatchObject({
      EnableProxyKeepAlive: "0",
      SRDName: "DefaultSRD",
    });
    expect((await state(mock)).running["ProxySet"]).toHaveLength(3);
    expect(mock.device.recorder.stats.resets).toBe(0);
    expect((await state(mock)).saveNeeded).toBe(true);
  });

  it("merges rows, or replaces the table, when set so", async () => {
    const mock = await startDevice({ settings: { incrementalRow: "merge", incrementalBlock: "replace" } });
    await upload(mock, "files/ini/incremental", part);
    const { running } = await state(mock);
    expect(running["ProxySet"]?.map((row) => row.index)).toEqual([3]);
    expect(running["ProxySet"]?.[0]?.fields).toMatchObject({ EnableProxyKeepAlive: "1" });
  });

  it("overlooks unknown tables, columns and parameters without a word, and records them", async () => {
    const mock = await startDevice();
    const text = `Misspelt = 1\r\nEnableSyslog = 0\r\n[ Nothing ]\r\nFORMAT Index = A;\r\n[ \\Nothing ]\r\n${block("ProxyName, Colour", 'ProxySet 7 = "PS_7", "red";')}`;
    expect((await upload(mock, "files/ini/incremental", text)).status).toBe(200);
    const ignored = mock.device.recorder.received().lines.map((line) => line.line);
    expect(ignored).toEqual(["Misspelt = 1", "[ Nothing ]"]);
    expect((await rest(mock, "files/ini")).text).toContain("EnableSyslog = 0\r\n");
    expect((await rowAt(mock, "ProxySet", 7))?.fields).not.toHaveProperty("Colour");
  });

  it("puts the default for a value that the device would not take, and records it", async () => {
    const mock = await startDevice();
    await upload(mock, "files/ini/incremental", block("ProxyName, ProxyKeepAliveTime", 'ProxySet 7 = "PS_7", 4;'));
    expect((await rowAt(mock, "ProxySet", 7))?.fields["ProxyKeepAliveTime"]).toBe("60");
    expect(mock.device.recorder.received().lines.at(-1)?.line).toBe("ProxySet 7 ProxyKeepAliveTime = 4");
  });
});

describe("certificates", () => {
  const pem = createCertificate({ commonName: "one" }).certificatePem;
  const other = createCertificate({ commonName: "two" }).certificatePem;

  it("are listed under the key that is set", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "files/tls")).json()).toMatchObject({ tls: [{ id: "0", name: "default" }, { id: "1" }] });
    await control(mock, "PUT", "/settings", { tlsListKey: "files" });
    expect((await rest(mock, "files/tls")).json()).toHaveProperty("files");
  });

  it("are exchanged as PEM and kept by a save", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "files/tls/0/certificate")).text).toBe(mock.certificatePem);
    expect((await upload(mock, "files/tls/1/certificate", pem)).status).toBe(200);
    expect((await state(mock)).saveNeeded).toBe(true);
    expect((await rest(mock, "files/tls/1/certificate")).text).toBe(pem);
    await control(mock, "POST", "/reboot", { saveConfiguration: false });
    expect((await rest(mock, "files/tls/1/certificate")).status).toBe(404);
  });

  it.each([["no certificate"], [pem.slice(0, 200)], [pem.replace("MII", "AAA")]])("are refused as %j", async (text) => {
    const mock = await startDevice();
    expect((await upload(mock, "files/tls/1/certificate", text)).status).toBe(400);
  });

  it("replace the whole store of trusted roots, or add to it", async () => {
    const mock = await startDevice();
    await upload(mock, "files/tls/1/trustedRoot", pem + other);
    await upload(mock, "files/tls/1/trustedRoot", other);
    expect((await rest(mock, "files/tls/1/trustedRoot")).text).toBe(other);
    await upload(mock, "files/tls/1/trustedRoot/incremental", pem);
    expect((await rest(mock, "files/tls/1/trustedRoot")).text).toBe(other + pem);
  });

  it("are generated on request", async () => {
    const mock = await startDevice();
    const made = await rest(mock, "files/tls/1/certificate/generate", {
      method: "POST",
      body: '{"subjectName":"sbc"}',
    });
    expect(made.json()).toEqual({ description: "Self-signed certificate was successfully generated" });
    expect((await rest(mock, "files/tls/1/certificate")).text).toContain("BEGIN CERTIFICATE");
    expect((await rest(mock, "files/tls/9/certificate")).status).toBe(404);
  });
});

describe("other files", () => {
  it("pack the INI file as ini.ini", async () => {
    const mock = await startDevice();
    const { status, headers, bytes } = await rest(mock, "files/configurationPackage.tar.gz");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/octet-stream");
    const archive = gunzipSync(bytes);
    expect(archive.length % 512).toBe(0);
    expect(archive.toString("latin1", 0, 8)).toBe("ini.ini\0");
    expect(parseInt(archive.toString("latin1", 124, 135), 8)).toBe(Buffer.byteLength(demoIni));
    expect(archive.toString("utf8", 512, 512 + Buffer.byteLength(demoIni))).toBe(demoIni);
  });

  it("reset the device when they are software", async () => {
    const mock = await startDevice();
    expect((await upload(mock, "files/software", "load")).json()).toEqual({
      description: "Device will reset now to activate new software load",
    });
    expect(mock.device.recorder.stats.resets).toBe(1);
  });

  it("need a pair for a hitless upgrade and for the redundant unit", async () => {
    const single = await startDevice();
    expect((await upload(single, "files/software/hitless", "load")).status).toBe(400);
    expect((await rest(single, "files/debugFileRedundant")).status).toBe(404);
    const pair = await startDevice({ highAvailability: true });
    expect((await upload(pair, "files/software/hitless", "load")).status).toBe(200);
    expect((await rest(pair, "files/debugFileRedundant")).status).toBe(200);
  });

  it("create a debug file from 7.40A.600 on", async () => {
    const old = await startDevice();
    expect((await rest(old, "files/create/debugFile", { method: "POST", body: "{}" })).status).toBe(404);
    expect((await rest(old, "files/debugFile")).status).toBe(200);
    const mock = await startDevice({ firmware: "7.40A.600.203" });
    const answer = await rest(mock, "files/create/debugFile", { method: "POST", body: '{"attachCoreDump":true}' });
    expect(answer.json()).toEqual({ transactionId: "1" });
  });
});
