import { expect, it } from "vitest";
import type { Operations } from "../../agent/operations/operations.ts";
import type { ResyncDeviceReport, ResyncRequest } from "../../agent/reports.ts";
import { createFolder, settings } from "./command-line.ts";
import { creation, makeResync, pendingPlan } from "./reports.ts";
import { findDeadUrl, startSmallAgent } from "./small-agent.ts";

async function resync(argv: readonly string[], devices: readonly ResyncDeviceReport[]) {
  const agent = await startSmallAgent({ "POST /api/agent/v1/resync": { body: { devices } } });
  const folder = createFolder();
  folder.announce(agent.url);
  return { agent, ...(await folder.run(argv)) };
}

const conflicts = [{ customer: "Acme", message: "table full" }];

it.each<[string, Partial<ResyncDeviceReport>[], number, string]>([
  ["in sync", [{}], 0, "in sync"],
  ["changed", [{ result: "changed", writes: 2, saves: 1 }], 0, "changed"],
  ["pending", [{ result: "pending" }], 3, "pending"],
  ["put off", [{ result: "put-off", reason: "busy" }], 1, "put off"],
  ["failed", [{ result: "failed", reason: "auth" }], 1, "failed"],
  ["changed, with conflicts", [{ result: "changed", conflicts }], 1, "conflicts"],
  ["one pending, one failed", [{ result: "pending" }, { result: "failed", reason: "x" }], 1, "failed"],
])("says and exits by the worst device: %s", async (_, parts, code, word) => {
  const spoken = await resync(["resync"], parts.map(makeResync));
  expect(spoken.code).toBe(code);
  expect(spoken.stdout).toMatch(new RegExp(`^sbc-1 +${word} +12 `, "m"));
});

it("shows a device a line with customers, writes and saves", async () => {
  const { stdout } = await resync(
    ["resync"],
    [makeResync(), makeResync({ device: "sbc-2", result: "changed", writes: 1, saves: 1 })],
  );
  expect(stdout).toBe(`Device  Result   Customers  Writes  Saves
sbc-1   in sync         12       0      0
sbc-2   changed         12       1      1
`);
});

it("shows below what changed, why a device was put off, and conflicts", async () => {
  const { stdout } = await resync(
    ["resync"],
    [
      makeResync({ result: "changed", changes: [creation], lines: ["sent"], conflicts }),
      makeResync({ device: "sbc-2", result: "put-off", reason: "HA synchronisation" }),
    ],
  );
  expect(stdout).toContain('\nsbc-1: 1 row to create, 0 to change, 0 to delete\n+ create ip-group 5 "SIPTest4"');
  expect(stdout).toContain("Conflicts\n  Acme: table full\n");
  expect(stdout).toContain("\nsbc-2\nput off: HA synchronisation\n");
  expect(stdout).not.toContain("sent");
});

it("shows lines and reverse lines of what is pending", async () => {
  const { stdout } = await resync(["resync", "--dry-run"], [makeResync({ ...pendingPlan, result: "pending" })]);
  expect(stdout).toContain("\nLines\nconfigure voip\n");
  expect(stdout).toContain("\nReverse lines\nconfigure voip\n  no ip-group 5\n");
});

it.each<[string[], ResyncRequest]>([
  [[], { dryRun: false, endCalls: false, rerender: false }],
  [
    ["--device", "sbc-1", "--customer", "Acme", "--dry-run", "--end-calls", "--rerender"],
    { device: "sbc-1", customer: "Acme", dryRun: true, endCalls: true, rerender: true },
  ],
])("asks for no more than its options say: %j", async (options, request) => {
  const { agent } = await resync(["resync", ...options], [makeResync()]);
  expect(agent.asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([request]);
});

it("prints the report with --json", async () => {
  const { stdout } = await resync(["resync", "--json"], [makeResync()]);
  expect(JSON.parse(stdout)).toEqual({ devices: [makeResync()] });
});

it("exits 1 with the agent's words for a device that it does not know", async () => {
  const agent = await startSmallAgent({
    "POST /api/agent/v1/resync": { status: 404, body: { title: "Not Found", detail: "there is no device 'x'" } },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  const { code, stderr } = await folder.run(["resync", "--device", "x"]);
  expect(code).toBe(1);
  expect(stderr).toContain("there is no device 'x'");
});

function aloneWith(resync: Operations["resync"], closed: () => void) {
  return {
    openAlone: async () => ({
      operations: { resync } as Operations,
      toConversion: () => {
        throw new Error("not asked for");
      },
      close: async () => closed(),
    }),
  };
}

it("works alone where the agent that was announced is gone", async () => {
  const folder = createFolder();
  folder.announce(await findDeadUrl());
  let closed = 0;
  const { code, stdout, stderr } = await folder.run(
    ["resync"],
    aloneWith(
      async () => ({ devices: [makeResync({ result: "changed", writes: 1, saves: 1 })] }),
      () => {
        closed++;
      },
    ),
  );
  expect({ code, closed }).toEqual({ code: 0, closed: 1 });
  expect(stdout).toContain("changed");
  expect(stderr).toMatch(/connection refused.*working without one/);
});

it("does not work alone with the configuration of a portal, whose agents hold the devices", async () => {
  const rest = { dataDir: settings.dataDir, sealKey: settings.sealKey };
  const token = { env: "NEAR_TOKEN" };
  const agents = [{ name: "near", token, devices: ["sbc-1"], gateways: ["oc1.example.com"] }];
  const folder = createFolder({ ...rest, agents });
  folder.announce(await findDeadUrl());
  const { code, stderr } = await folder.run(["resync"]);
  expect(code).toBe(1);
  expect(stderr).toContain("a portal's configuration: no device is near");
});

it("does not work alone where an agent hangs up: it may be at work on the devices", async () => {
  const agent = await startSmallAgent({ "POST /api/agent/v1/resync": "hang up" });
  const folder = createFolder();
  folder.announce(agent.url);
  const { code, stderr } = await folder.run(["resync"]);
  expect(code).toBe(1);
  expect(stderr).not.toContain("this test gave no openAlone");
  expect(stderr).toContain("socket hang up");
});

it("does not work alone where --url names an agent that is not there", async () => {
  const { code, stderr } = await createFolder().run(["resync", "--url", await findDeadUrl()]);
  expect(code).toBe(1);
  expect(stderr).toContain("No agent answers.");
  expect(stderr).not.toContain("this test gave no openAlone");
});

it("gives the data folder back when it is interrupted alone", async () => {
  const interrupt = new AbortController();
  let closed = 0;
  const { code, stderr } = await createFolder().run(["resync"], {
    signal: interrupt.signal,
    ...aloneWith(
      () => {
        interrupt.abort();
        return new Promise(() => undefined);
      },
      () => {
        closed++;
      },
    ),
  });
  expect({ code, closed }).toEqual({ code: 1, closed: 1 });
  expect(stderr).toContain("Interrupted.");
});
