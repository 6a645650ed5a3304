import { expect, it } from "vitest";
import type { Operations } from "../../agent/operations/operations.ts";
import { createFolder } from "./command-line.ts";
import { makePlan, pendingPlan } from "./reports.ts";
import { startSmallAgent, type Answer } from "./small-agent.ts";

const body = '{ "customerShortName": "SIPTest4",\n  "customerShortName": "SIPTest4" }\n';

async function plan(argv: readonly string[], answer: Answer) {
  const agent = await startSmallAgent({ "POST /api/agent/v1/plan": answer });
  const folder = createFolder();
  folder.announce(agent.url);
  folder.write("customer.json", body);
  return { agent, ...(await folder.run(argv)) };
}

it.each([
  ["nothing to change", makePlan(), 0],
  ["changes are pending", pendingPlan, 3],
  ["conflicts", makePlan({ conflicts: [{ customer: "A", message: "taken" }] }), 1],
  ["changes and conflicts", { ...pendingPlan, conflicts: [{ customer: "A", message: "taken" }] }, 1],
])("exits by what the plan holds: %s", async (_, report, expected) => {
  expect((await plan(["plan", "customer.json"], { body: report })).code).toBe(expected);
});

it("shows each row with its fields, what ends calls, warnings, lines and reverse lines", async () => {
  const { stdout } = await plan(["plan", "customer.json"], { body: pendingPlan });
  expect(stdout).toBe(`sbc-1: 1 row to create, 1 to change, 0 to delete; 1 of them ends calls

+ create ip-group 5 "SIPTest4"  for SIPTest4
    tags            Trunk=f79a7f93-5ef7-47d2-92c8-e4570503cec3
    proxy-set-name  SIPTrunk
~ change ip-group 3 "Acme"  for Acme  ENDS CALLS
    srd-name  Other -> DefaultSRD
Warnings
  Proxy Set SIPTrunk differs from its carrier

Lines
configure voip
  ip-group 5
    name SIPTest4
    activate

Reverse lines
configure voip
  no ip-group 5
`);
});

it("shows rows that would go away with what they hold, and conflicts with their customer", async () => {
  const { stdout } = await plan(["plan", "--task", "wst_1"], {
    body: makePlan({
      changes: [
        {
          action: "delete",
          row: 'account 0 "Acme"',
          fields: [{ field: "host-name", before: "", after: null }],
          customers: [],
          endsCalls: false,
        },
      ],
      conflicts: [{ customer: "Acme", message: "IP Group 'Acme' belongs to somebody else" }],
    }),
  });
  expect(stdout).toContain('- delete account 0 "Acme"\n    host-name  (empty)\n');
  expect(stdout).toContain("Conflicts\n  Acme: IP Group 'Acme' belongs to somebody else\n");
});

it("sends the file as it is written, so that the agent sees what is wrong with it", async () => {
  const { agent } = await plan(["plan", "customer.json"], { body: makePlan() });
  expect(agent.asked.map(({ body }) => body)).toEqual([`{"request":${body}}`]);
});

it("asks for the plan of a task by its id", async () => {
  const { agent } = await plan(["plan", "--task", "wst_1", "--json"], { body: makePlan() });
  expect(agent.asked).toMatchObject([{ body: '{"taskId":"wst_1"}', authorization: "Bearer the-admin-token" }]);
});

it("prints the report with --json, with the same exit code", async () => {
  const { code, stdout } = await plan(["plan", "customer.json", "--json"], { body: pendingPlan });
  expect({ code, report: JSON.parse(stdout) as unknown }).toEqual({ code: 3, report: pendingPlan });
});

it.each([
  ["neither a file nor a task", ["plan"]],
  ["both", ["plan", "customer.json", "--task", "wst_1"]],
  ["a file that is not there", ["plan", "nothing.json"]],
  ["a file that is not JSON", ["plan", "agent.txt"]],
])("is wrong usage with %s, and nothing is asked", async (_, argv) => {
  const agent = await startSmallAgent({});
  const folder = createFolder();
  folder.announce(agent.url);
  folder.write("customer.json", body);
  folder.write("agent.txt", "not json");
  expect((await folder.run(argv)).code).toBe(2);
  expect(agent.asked).toEqual([]);
});

it("exits 2 and names the fields when the agent finds the body malformed", async () => {
  const problem = { title: "Bad Request", detail: "Refused.", errors: { msTenantId: ["must be a GUID"] } };
  const { code, stderr } = await plan(["plan", "customer.json"], { status: 400, body: problem });
  expect(code).toBe(2);
  expect(stderr).toContain("answered 400: Bad Request: Refused.\n  msTenantId: must be a GUID");
});

it("plans alone where no agent runs, gives the data folder back, and says so on stderr", async () => {
  const folder = createFolder();
  folder.write("customer.json", body);
  const steps: string[] = [];
  const operations: Pick<Operations, "plan"> = {
    plan: async (subject) => {
      steps.push("conversion" in subject ? subject.conversion.shortName : "something else");
      return pendingPlan;
    },
  };
  const { code, stdout, stderr } = await folder.run(["plan", "customer.json"], {
    openAlone: async () => ({
      operations: operations as Operations,
      toConversion: (text) => ({
        tenantId: "t",
        variant: "ip-group",
        shortName: text === body ? "from the file" : "not from the file",
        fullName: "f",
        gateway: null,
        proxySet: null,
        variables: {},
        secrets: {},
        device: null,
      }),
      close: async () => void steps.push("closed"),
    }),
  });
  expect(code).toBe(3);
  expect(steps).toEqual(["from the file", "closed"]);
  expect(stdout).toContain("1 row to create");
  expect(stderr).toContain("working without one");
});

it("exits 2 for a body that the agent's parts refuse when it works alone", async () => {
  const folder = createFolder();
  folder.write("customer.json", body);
  const { code, stderr } = await folder.run(["plan", "customer.json"], {
    openAlone: async () => ({
      operations: {} as Operations,
      toConversion: () => {
        throw new Error("msTenantId: must be a GUID");
      },
      close: async () => undefined,
    }),
  });
  expect(code).toBe(2);
  expect(stderr).toContain("because: msTenantId: must be a GUID");
});
