import { readFileSync } from "node:fs";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { printIni } from "../../mocks/sbc/print-ini.ts";
import { printRunningConfig } from "../../mocks/sbc/print-running-config.ts";

/** The two texts of one read of one device. */
export interface DeviceTexts {
  running: string;
  ini: string;
}

const deviceFile = (name: string): string =>
  readFileSync(new URL(`../../config/devices/${name}`, import.meta.url), "utf8");

/** Neighbours that a device may be without, left out so that more inputs a second fit. */
function slim(ini: string): string {
  const kept = new Set([
    "proxyset",
    "proxyip",
    "ipgroup",
    "account",
    "srd",
    "sipinterface",
    "cpmediarealm",
    "ipprofile",
  ]);
  return ini
    .split(/(?=^\[ *[A-Za-z0-9_]+ *\]\r?$)/m)
    .filter((part) => {
      const table = /^\[ *([A-Za-z0-9_]+) *\]/.exec(part)?.[1];
      return table === undefined || kept.has(table.toLowerCase());
    })
    .join("");
}

/** What mock devices of three generations print of themselves. */
export async function printDevices(): Promise<DeviceTexts[]> {
  const texts: DeviceTexts[] = [];
  for (const name of ["oc1-7.40.ini", "oc2-7.20.ini", "legacy-7.00.ini"]) {
    const mock = await startMockSbc({ ini: slim(deviceFile(name)) });
    const { running, identity } = mock.device;
    texts.push({ running: printRunningConfig(running, { name: identity.name }), ini: printIni(running, identity) });
    await mock.stop();
  }
  return texts;
}

/** `show system version`, as the device CLI guide and the field show it. */
export const versions: readonly string[] = [
  ";Board: Mediant VE SBC\n;Board Type: 73\n;Serial Number: 1234567\n;Software Version: 7.40A.250.440\n;Key features:\n;Board Type: 73\n",
  "Board: M800B\nSerial Number:\nSoftware Version: 7.20A.258.664\nProduct Key: abc\n\n",
  ";;;Serial Number: 1\r\n;Software Version:7.00A.129.001\r\n",
];

/** What a client of the portal posts. */
export const requests: readonly string[] = [
  readFileSync(new URL("../../config/examples/siptest4.json", import.meta.url), "utf8"),
  JSON.stringify({
    configurationName: "OcEssential_TENANT_TYPE",
    shortName: "Acme_1",
    CustomerFulName: "Acme's first",
    msTenantID: "f79a7f93-5ef7-47d2-92c8-e4570503cec3",
    ovocCustomerType: "x",
    channelId: null,
  }),
  JSON.stringify({
    configurationName: "OcEssential_IPGROUP_TYPE",
    customerShortName: "Acme",
    customerFullName: "Acme",
    msTenantId: "F79A7F93-5EF7-47D2-92C8-E4570503CEC3",
    scriptParameters: {
      ProxySet: "SIPTrunk",
      OnlinePstnGateway: "oc1.example.com",
      CarrierUserName: "user",
      CarrierUserPassword: "secret \\u00e9",
      "CustomVar.1": "x",
    },
    siteLocation: [{ siteLocationName: "Brussels", sbcId: 1, sbcOnboardingScript: 2, sbcDeploymentState: null }],
  }),
];

/** What devices answer over REST. */
export const deviceAnswers: readonly string[] = [
  JSON.stringify({
    localTimeStamp: "2026-01-01T00:00:00.000Z",
    ipAddress: "192.0.2.1",
    systemUpTime: 123_456,
    versionID: "7.40A.250.440",
    productType: "Mediant VE SBC",
    serialNumber: "1234567",
    saveNeeded: true,
    resetNeeded: "false",
    operationalState: "UNLOCKED",
    highAvailability: "not operational",
    upgradeStatus: "None",
    mcUpgradeStatus: "None",
  }),
  JSON.stringify({ status: "success", output: "Done\r\nDone\r\n\r\n" }),
  JSON.stringify({ status: "failed", output: "Invalid command\r\nLine 3", description: "Failure" }),
  JSON.stringify({ description: "Device is busy", errorDescription: "HA" }),
];

/** What a portal answers to agents that pull. */
export const portalAnswers: readonly string[] = [
  JSON.stringify({
    kind: "claimed",
    lease: { device: "sbc1", fence: 3, durationMs: 120_000 },
    conversions: [
      {
        taskId: "wst_3aae7841-12d1-4341-a7f1-867f1dd0ba0c",
        tenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3",
        customerGuid: "3aae7841-12d1-4341-a7f1-867f1dd0ba0c",
        shortName: "Acme",
        fullName: "Acme",
        gateway: "oc1.example.com",
        proxySet: "SIPTrunk",
        variables: { CarrierUserName: "user" },
        secrets: { CarrierUserPassword: "x" },
        acceptedAt: "2026-01-01T00:00:00.000Z",
        deadlineAt: "2026-01-01T04:00:00.000Z",
      },
    ],
    links: [],
    openTasks: [],
  }),
  JSON.stringify({ devices: [{ device: "sbc1", waiting: 3 }], unserved: [], intervalMs: 1_000 }),
  JSON.stringify({ title: "Forbidden", status: 403, detail: "Token 'x' is not bound to device 'y'." }),
];
