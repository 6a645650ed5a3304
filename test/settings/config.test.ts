import { describe, expect, it } from "vitest";
import { checkConfig, ConfigError, roleFaults } from "../../agent/settings/config.ts";

const device = {
  name: "sbc-1",
  address: "https://192.0.2.10",
  user: "agent",
  password: { env: "SBC_1" },
  gateways: ["oc1.example.com"],
};
const usable = { sealKey: { file: "seal.key" }, devices: [device] };

function faultsOf(data: object, folder = "/etc/sbc-agent"): readonly string[] {
  try {
    checkConfig(data, "agent.yaml", folder);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe("a configuration", () => {
  it("is usable with a seal key and a device, and takes paths from its own folder", () => {
    const config = checkConfig(usable, "agent.yaml", "/etc/sbc-agent");
    expect(config).toMatchObject({ dataDir: "/etc/sbc-agent/data", sealKey: { file: "/etc/sbc-agent/seal.key" } });
    expect(config.portal).toMatchObject({ host: "127.0.0.1", port: 8080 });
  });

  it("names every fault of its shape with its path at once", () => {
    const faults = faultsOf({ ...usable, colour: 1, devices: [{ ...device, address: "ftp://x", mode: "fast" }] });
    expect(faults.join("\n")).toMatch(/colour/);
    expect(faults.join("\n")).toMatch(/devices\.0\.address/);
    expect(faults.join("\n")).toMatch(/devices\.0\.mode/);
  });

  it("says what a secret's reference looks like where there is none, or the secret stands in its place", () => {
    const faults = faultsOf({ devices: [{ ...device, password: "s3cret-One" }] }).join("\n");
    expect(faults).toMatch(/sealKey: is missing: one of \{ file: PATH \}/);
    expect(faults).toMatch(/devices\.0\.password: is no reference to a secret: one of \{ env: NAME \}/);
    expect(faults).not.toContain("s3cret");
  });

  it.each([
    ["the same address", ["https://192.0.2.10", "https://192.0.2.10"]],
    ["its port written out", ["https://192.0.2.10", "https://192.0.2.10:443"]],
    ["a slash at the end", ["https://192.0.2.10", "https://192.0.2.10/"]],
    ["both HTTP and HTTPS", ["https://192.0.2.10", "http://192.0.2.10"]],
  ])("refuses one device under two names: %s", (_, [first, second]) => {
    const devices = [
      { ...device, address: first },
      {
        ...device,
        name: "sbc-2",
        address: second,
        gateways: ["oc2.example.com"],
        ...(second?.startsWith("http:") === true ? { trust: "plaintext" } : {}),
      },
    ];
    expect(faultsOf({ ...usable, devices }).join("\n")).toMatch(
      /devices\.address: '192\.0\.2\.10' stands more than once/,
    );
  });

  it("takes two devices behind one address on ports of their own", () => {
    const other = { ...device, name: "sbc-2", address: "https://192.0.2.10:8443", gateways: ["oc2.example.com"] };
    expect(faultsOf({ ...usable, devices: [device, other] })).toEqual([]);
  });

  it.each<[string, object, object]>([
    [
      "both over SSH",
      { driver: "ssh", address: "ssh://192.0.2.10" },
      { driver: "ssh", address: "ssh://192.0.2.10:22" },
    ],
    ["one over REST and one over SSH", {}, { driver: "ssh", address: "ssh://192.0.2.10/" }],
    ["one over REST and one over auto", {}, { driver: "auto", address: "https://192.0.2.10:443" }],
    [
      "the shell of auto",
      { driver: "ssh", address: "ssh://192.0.2.10:22" },
      { driver: "auto", address: "https://192.0.2.10:8443" },
    ],
    [
      "host names in other letters",
      { address: "https://sbc.example.com" },
      { driver: "ssh", address: "ssh://SBC.example.com" },
    ],
  ])("refuses one device under two names: %s", (_, first, second) => {
    const devices = [
      { ...device, ...first },
      { ...device, name: "sbc-2", gateways: ["oc2.example.com"], ...second },
    ];
    expect(faultsOf({ ...usable, devices }).join("\n")).toMatch(/devices\.address: '\S+' stands more than once/);
  });

  it.each<[string, object, object]>([
    ["over SSH", { driver: "ssh", address: "ssh://192.0.2.10/" }, { address: "ssh://192.0.2.10" }],
    [
      "over SSH on a port of its own",
      { driver: "ssh", address: "ssh://SBC.example.com:2222" },
      { address: "ssh://sbc.example.com:2222" },
    ],
    [
      "over both, with the shell on a port of its own",
      { driver: "auto", ssh: { address: "ssh://192.0.2.10:2222" } },
      { address: "https://192.0.2.10" },
    ],
    [
      "with a key and no password",
      { driver: "ssh", address: "ssh://192.0.2.10", password: undefined, ssh: { privateKey: { file: "id" } } },
      { ssh: { privateKey: { file: "/etc/sbc-agent/id" }, hostKey: "enrolled", pipelineDepth: 24, blindRows: false } },
    ],
  ])("takes a device that is reached %s", (_, change, expected) => {
    const config = checkConfig({ ...usable, devices: [{ ...device, ...change }] }, "agent.yaml", "/etc/sbc-agent");
    expect(config.devices[0]).toMatchObject(expected);
  });

  it.each<[string, object]>([
    ["address", { driver: "ssh" }],
    ["address", { address: "ssh://192.0.2.10" }],
    ["address", { driver: "auto", address: "ssh://192.0.2.10" }],
    ["address", { driver: "ssh", address: "ssh://me@192.0.2.10" }],
    ["ssh.address", { driver: "auto", ssh: { address: "https://192.0.2.10" } }],
    ["ssh.address", { driver: "auto", ssh: { address: "ssh://192.0.2.10/path" } }],
    ["ssh.address", { driver: "ssh", address: "ssh://192.0.2.10", ssh: { address: "ssh://192.0.2.10" } }],
    ["ssh", { ssh: {} }],
    ["password", { password: undefined }],
    ["password", { driver: "ssh", address: "ssh://192.0.2.10", password: undefined }],
    ["password", { driver: "auto", password: undefined, ssh: { privateKey: { file: "id" } } }],
    ["ssh.passphrase", { driver: "auto", ssh: { passphrase: { env: "P" } } }],
    ["ssh.hostKey.sha256", { driver: "auto", ssh: { hostKey: { sha256: "AA:BB" } } }],
    ["ssh.blindRows", { driver: "auto", ssh: { profile: "legacy", blindRows: true } }],
  ])("refuses what cannot be right of a device: %s, %j", (path, change) => {
    const faults = faultsOf({ ...usable, devices: [{ ...device, ...change }] });
    expect(faults.join("\n")).toContain(`devices.0.${path}: `);
  });

  it.each([
    ["devices.gateways", { devices: [device, { ...device, name: "sbc-2", address: "https://192.0.2.11" }] }],
    ["sealKey.file", { sealKey: { file: "data/seal.key" } }],
    ["sealKey.file", { dataDir: "./data", sealKey: { file: "/etc/sbc-agent/data/seal.key" } }],
    ["portal.host", { portal: { host: "0.0.0.0" } }],
    ["run.leaseMs", { run: { leaseMs: 60_000 } }],
    ["run.leaseMs", { run: { saveMs: 90_000 } }],
    ["run.requestMs", { run: { requestMs: 0 } }],
    ["schedule.drift", { schedule: { drift: "99 99 * * *" } }],
    ["portal.gatewayWait", { portal: { gatewayWait: "59s" } }],
    ["devices.0.trust", { devices: [{ ...device, trust: "plaintext" }] }],
    ["ovoc.url", { ovoc: { url: "http://192.0.2.20", user: "u", password: { env: "O" } } }],
    [
      "carriers.0.fields.proxy-name",
      { carriers: [{ name: "C", addresses: [{ address: "a" }], fields: { "proxy-name": "D" } }] },
    ],
  ])("refuses what cannot be right: %s", (path, change) => {
    expect(faultsOf({ ...usable, ...change }).some((fault) => fault.startsWith(path))).toBe(true);
  });

  it.each([
    ["noiseLine", "(a+)+$"],
    ["noiseLine", "^(\\w+\\s?)*$"],
    ["noiseLine", "^.*.*.*!$"],
    ["noiseLine", "^(a)\\1"],
    ["noiseLine", "["],
    ["noiseLine", "name"],
    ["noiseLine", "e?xit"],
    ["busyLine", "(HA|ha){2}"],
  ])("refuses a pattern that could stop the process or drop what means something: %s %s", (name, source) => {
    const devices = [{ ...device, driver: "ssh", address: "ssh://192.0.2.10", ssh: { [name]: source } }];
    expect(faultsOf({ ...usable, devices }).join()).toContain(`devices.0.ssh.${name}`);
  });

  it("takes patterns for lines that a device prints of its own accord", () => {
    const ssh = {
      noiseLine: "^\\[S=\\d+\\]|^[A-Z][a-z]{2} [0-9 ]{2} .* local0",
      busyLine: "HA (sync|synchronization)",
    };
    expect(faultsOf({ ...usable, devices: [{ ...device, driver: "ssh", address: "ssh://192.0.2.10", ssh }] })).toEqual(
      [],
    );
  });

  it.each([
    ["behind a proxy that ends TLS", { behindProxy: true }],
    ["with TLS of its own", { tls: { cert: "c.pem", key: "k.pem" } }],
  ])("may listen elsewhere %s", (_, portal) => {
    expect(faultsOf({ ...usable, portal: { host: "0.0.0.0", ...portal } })).toEqual([]);
  });
});

describe("the configuration of a portal alone", () => {
  const agents = [{ name: "near", token: { env: "NEAR" }, devices: ["sbc-1", "sbc-2"], gateways: ["oc1.example.com"] }];
  const portal = { tls: { cert: "c.pem", key: "k.pem" } };
  const ovoc = { url: "https://192.0.2.20", user: "u", password: { env: "O" } };
  const faultsWith = (more: object) =>
    roleFaults(
      checkConfig({ sealKey: usable.sealKey, agents, portal, ovoc: { ...ovoc, ...more } }, "a", "/"),
      "portal",
    );

  it("must say which devices of OVOC its links are for, as it knows no address of a device", () => {
    expect(faultsWith({ links: true, devices: { "sbc-1": 17 } })).toEqual([
      "ovoc.devices: does not name sbc-2, whose address a portal does not know: give its id or name in OVOC",
    ]);
    expect(faultsWith({ links: true, devices: { "sbc-1": 17, "sbc-2": "two" } })).toEqual([]);
  });

  it("need not where links do not name the device", () => {
    expect(faultsWith({ links: true, linkBody: { name: "{{ipGroup}}" } })).toEqual([]);
    expect(faultsWith({ links: false })).toEqual([]);
  });
});
