import { expect, it } from "vitest";
import type { Operations } from "../../agent/operations/operations.ts";
import type { DriftDeviceReport } from "../../agent/reports.ts";
import { createFolder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";

function makeDrift(parts: Partial<DriftDeviceReport> = {}): DriftDeviceReport {
  return {
    device: "sbc-1",
    state: "in-sync",
    checkedAt: "2026-03-01T03:00:00Z",
    ageSeconds: 9 * 3_600,
    updatedAt: null,
    due: false,
    trouble: null,
    customers: 120,
    drifted: 0,
    kept: 2,
    afterRestart: false,
    restore: null,
    rows: [],
    unlisted: 0,
    ...parts,
  };
}

const drifted = makeDrift({
  device: "sbc-2",
  state: "drifted",
  drifted: 6,
  afterRestart: true,
  restore: { result: "put-off", rows: 0, reason: "another run holds the device" },
  rows: [
    {
      row: 'ip-group 5 "Acme"',
      customers: ["Acme"],
      findings: [
        { kind: "field", field: "media-realm-name", wanted: "MR_WAN", found: "", policy: "restore" },
        { kind: "field", field: "tags", wanted: "Trunk=1", found: null, policy: "report" },
      ],
    },
    {
      row: 'account "Acme/Teams"',
      customers: ["Acme"],
      findings: [{ kind: "row-missing", field: null, wanted: null, found: null, policy: "report" }],
    },
    {
      row: 'proxy-set 2 "SIPTrunk"',
      customers: ["A", "B", "C", "D", "E"],
      findings: [
        { kind: "address-foreign", field: "proxy-address", wanted: null, found: "203.0.113.66", policy: "report" },
      ],
    },
  ],
  unlisted: 7,
});

async function drift(argv: readonly string[], devices: DriftDeviceReport[]) {
  const agent = await startSmallAgent({
    "GET /api/agent/v1/drift": { body: { devices } },
    "GET /api/agent/v1/drift?device=sbc-2": { body: { devices } },
    "POST /api/agent/v1/drift/check": { body: { devices } },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  return { agent, ...(await folder.run(["drift", ...argv])) };
}

it("shows a device a line with the age of its evidence, then each customer's rows and fields", async () => {
  const { code, stdout, stderr } = await drift(["--device", "sbc-2"], [makeDrift(), drifted]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  expect(stdout.split("\n").map((line) => line.replace(/ +/g, " ").trim())).toEqual([
    "Device State Checked Customers Drifted Kept",
    "sbc-1 in sync 9h ago 120 0 2",
    "sbc-2 drifted 9h ago 120 6 2",
    "",
    "sbc-2",
    "checked because the device had started anew, or is another unit",
    "restore: put-off, 0 rows (another run holds the device)",
    "Acme",
    'ip-group 5 "Acme"',
    "media-realm-name: (empty), wanted MR_WAN (to be restored)",
    "tags: (absent), wanted Trunk=1",
    'account "Acme/Teams"',
    "is missing",
    "A, B, C and 2 customers more",
    'proxy-set 2 "SIPTrunk"',
    "address 203.0.113.66 is not the carrier's",
    "and 7 rows more",
    "",
  ]);
});

it.each<[string, DriftDeviceReport[], number]>([
  ["0 when all is in sync", [makeDrift(), makeDrift({ device: "sbc-2" })], 0],
  ["3 when one has drifted", [makeDrift(), drifted], 3],
  ["3 when nobody knows", [makeDrift(), makeDrift({ state: "unknown", checkedAt: null, ageSeconds: null })], 3],
  ["1 when one could not be checked", [makeDrift({ trouble: "unreachable" }), drifted], 1],
])("exits %s", async (_, devices, expected) => {
  const { code, stdout } = await drift(["--check"], devices);
  expect(code).toBe(expected);
  if (expected === 1) expect(stdout).toContain("not checked: unreachable");
});

it("tells of evidence that runs brought up to date since the check, which is no younger for that", async () => {
  const { code, stdout } = await drift([], [makeDrift({ updatedAt: "2026-03-01T11:00:00.000Z" })]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/sbc-1 +in sync +9h ago/);
  expect(stdout).toContain("runs brought single customers up to date, the last at 2026-03-01T11:00:00.000Z");
});

it("without an agent checks under the name of the command line", async () => {
  const asked: unknown[] = [];
  const checkDrift: Operations["checkDrift"] = async (...given) => {
    asked.push(given);
    return { devices: [makeDrift()] };
  };
  const openAlone = async () => ({
    operations: { checkDrift } as Operations,
    toConversion: () => {
      throw new Error("not asked for");
    },
    close: async () => undefined,
  });
  expect((await createFolder().run(["drift", "--check"], { openAlone })).code).toBe(0);
  expect(asked).toEqual([[{ device: undefined }, "command line"]]);
});

it("says of a device that was never checked that it never was", async () => {
  const { stdout } = await drift([], [makeDrift({ state: "unknown", checkedAt: null, ageSeconds: null, due: true })]);
  expect(stdout).toMatch(/sbc-1 +unknown +never/);
  expect(stdout).toContain("a check is due");
});

it("prints the report as it is when asked for JSON", async () => {
  const { stdout } = await drift(["--json"], [drifted]);
  expect(JSON.parse(stdout)).toEqual({ devices: [drifted] });
});
