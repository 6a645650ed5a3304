import { describe, expect, it } from "vitest";
import { sbcIdOf } from "../../agent/portal/site-locations.ts";
import type { CommandContext } from "../../agent/commands/context.ts";
import { createFolder } from "./command-line.ts";
import { creation, pendingPlan } from "./reports.ts";
import { startSmallAgent, type Answers } from "./small-agent.ts";

const guid = "0c1f7a55-0f7e-4b0e-9d55-0b8f3a3c6a01";
const tenant = "f79a7f93-5ef7-47d2-92c8-e4570503cec3";
const florist = {
  UmpCustomerGuid: guid,
  CustomerShortName: "Florist",
  CustomerFullName: "Florist Ltd",
  MsTenantId: tenant,
  SiteLocation: [{ id: guid, sbcId: sbcIdOf("sbc-1") }],
};
const deletion = { ...creation, action: "delete", endsCalls: true };
const ended = { id: "tsk_7", status: "CompletedSuccess", details: [], executionMessages: [], outputData: null };
const answers: Answers = {
  "GET /api/v3/customer?allDetails=true": { body: [florist] },
  "POST /api/agent/v1/plan": { body: { ...pendingPlan, changes: [deletion] } },
  [`DELETE /api/v2/sitelocation/${guid}`]: {
    body: { status: true, msg: "queued", sbcCleanupTaskId: "tsk_7", o365CleanupTask: "tsk_0" },
  },
  [`DELETE /api/v2/sitelocation/${guid}?forgetDevice=true`]: {
    body: { status: true, msg: "queued", sbcCleanupTaskId: "tsk_8", o365CleanupTask: "tsk_0" },
  },
  [`PATCH /api/v2/customer/${guid}/sitelocation/`]: { body: "tsk_7" },
  "GET /api/v2/task/tsk_7": { body: ended },
  "GET /api/v2/task/tsk_8": { body: { ...ended, id: "tsk_8" } },
};

async function run(argv: string[], more: Answers = {}, context: Partial<CommandContext> = {}) {
  const agent = await startSmallAgent({ ...answers, ...more });
  const folder = createFolder();
  folder.announce(agent.url);
  folder.write("secret", "s3cret-Two\n");
  const spoken = await folder.run(argv, context);
  const asked = agent.asked.map(({ method, path }) => `${method} ${path}`);
  return { ...spoken, asked, bodies: agent.asked.map(({ body }) => body) };
}

const deletes = (asked: readonly string[]) => asked.filter((one) => one.startsWith("DELETE"));

describe("offboard", () => {
  it.each(["florist", guid.toUpperCase(), tenant])("finds a customer by any of its names: %s", async (name) => {
    const { code, stdout, asked } = await run(["offboard", name, "--yes"]);
    expect(code).toBe(0);
    expect(deletes(asked)).toEqual([`DELETE /api/v2/sitelocation/${guid}`]);
    expect(stdout).toContain(`Customer Florist "Florist Ltd", GUID ${guid}`);
    expect(stdout).toContain("- delete ip-group 5");
    expect(stdout).toContain("ENDS CALLS");
    expect(stdout).toContain("Accepted as task tsk_7\nCompleted.\n");
  });

  it("asks after the plan, and changes nothing where the answer is no", async () => {
    const questions: string[] = [];
    const confirm = async (question: string) => {
      questions.push(question);
      return false;
    };
    const { code, stderr, asked } = await run(["offboard", "Florist"], {}, { confirm });
    expect({ code, questions, deleted: deletes(asked) }).toEqual({
      code: 1,
      questions: ["Remove it? [y/N] "],
      deleted: [],
    });
    expect(asked).toContain("POST /api/agent/v1/plan");
    expect(stderr).toContain("Nothing was changed.");
  });

  it("asks nobody where nobody sits at the terminal, and exits 2", async () => {
    const { code, asked } = await run(["offboard", "Florist"], {}, { confirm: undefined });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
  });

  it("goes on without a plan where the device is away or elsewhere, and says so", async () => {
    const plan = { status: 502, body: { title: "Device error: unreachable", detail: "sbc-1 does not answer" } };
    const { code, stdout } = await run(["offboard", "Florist", "--yes"], { "POST /api/agent/v1/plan": plan });
    expect(code).toBe(0);
    expect(stdout).toMatch(/What will be deleted cannot be shown: .*sbc-1 does not answer/s);
  });

  it("shows the plan alone with --dry-run, asks nobody and for nothing, and exits 3", async () => {
    const { code, stdout, asked, bodies } = await run(["offboard", "Florist", "--dry-run"], {}, { confirm: undefined });
    expect({ code, asked }).toEqual({ code: 3, asked: ["POST /api/agent/v1/plan"] });
    expect(bodies).toEqual([JSON.stringify({ removal: { customer: "Florist" } })]);
    expect(stdout).toContain("- delete ip-group 5");
    expect((await run(["offboard", "Florist", "--dry-run", "--forget-device"])).code).toBe(2);
  });

  it("gives a customer up without asking its device for a plan", async () => {
    const { code, asked } = await run(["offboard", "Florist", "--forget-device", "--yes"]);
    expect(code).toBe(0);
    expect(asked).not.toContain("POST /api/agent/v1/plan");
    expect(deletes(asked)).toEqual([`DELETE /api/v2/sitelocation/${guid}?forgetDevice=true`]);
  });

  it("exits 1 for a task that failed, and prints the task with --json", async () => {
    const failed = { ...ended, status: "CompletedFailed", details: ["Failed"] };
    const { code, stdout } = await run(["offboard", "Florist", "--yes", "--json"], {
      "GET /api/v2/task/tsk_7": { body: failed },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual(failed);
  });

  it("does not call a customer on several devices removed that is there still", async () => {
    const site = { id: tenant, sbcId: sbcIdOf("sbc-2") };
    const { code, stdout, stderr } = await run(["offboard", "Florist", "--yes"], {
      "GET /api/v3/customer?allDetails=true": { body: [{ ...florist, SiteLocation: [...florist.SiteLocation, site] }] },
      [`DELETE /api/v2/customer/${guid}`]: { body: 1 },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("still there");
    expect(stdout).not.toContain("Removed");
  });

  it("says what is owed of a customer that was given up on several devices", async () => {
    const site = { id: tenant, sbcId: sbcIdOf("sbc-2") };
    const { code, stdout } = await run(["offboard", "Florist", "--forget-device", "--yes"], {
      "GET /api/v3/customer?allDetails=true": [
        { body: [{ ...florist, SiteLocation: [...florist.SiteLocation, site] }] },
        { body: [] },
      ],
      [`DELETE /api/v2/customer/${guid}?forgetDevice=true`]: { body: 1 },
    });
    expect(code).toBe(0);
    expect(stdout).toContain("is removed at the next contact");
  });

  it("names what it cannot find, and asks for nothing", async () => {
    for (const argv of [
      ["offboard", "Draper", "--yes"],
      ["offboard", "Florist", "--device", "sbc-9", "--yes"],
    ]) {
      const { code, stderr, asked } = await run(argv);
      expect({ code, deleted: deletes(asked) }).toEqual({ code: 1, deleted: [] });
      expect(stderr).toMatch(/no customer 'Draper'|no rows on a device 'sbc-9'/);
    }
  });
});

describe("change", () => {
  it("asks for what its options say, secrets read from where they are kept", async () => {
    const argv = [
      "change",
      "Florist",
      "--proxy-set",
      "Other",
      "--blueprint",
      "oc-two-legs",
      "--set",
      "CarrierUserName=a=b",
    ];
    const { code, bodies, stdout } = await run([...argv, "--secret", "CarrierUserPassword=@secret", "--end-calls"]);
    expect(code).toBe(0);
    expect(bodies).toContain(
      JSON.stringify({
        blueprint: "oc-two-legs",
        endCalls: true,
        scriptParameters: { ProxySet: "Other", CarrierUserName: "a=b", CarrierUserPassword: "s3cret-Two" },
      }),
    );
    expect(stdout).not.toContain("s3cret");
  });

  it("shows the plan with --dry-run, asks for nothing, and exits 3", async () => {
    const { code, asked, bodies } = await run(["change", "Florist", "--proxy-set", "Other", "--dry-run"]);
    expect({ code, patched: asked.some((one) => one.startsWith("PATCH")) }).toEqual({ code: 3, patched: false });
    expect(bodies).toContain(
      JSON.stringify({ change: { customer: "Florist", site: { scriptParameters: { ProxySet: "Other" } } } }),
    );
  });

  it.each([
    ["nothing to change", [], "Name what to change"],
    ["a variable without a value", ["--set", "Name"], "--set: give NAME=VALUE"],
    ["a secret in clear", ["--secret", "CarrierUserPassword=hunter2"], "give @FILE or env:VAR"],
    ["a secret among the variables", ["--set", "CarrierUserPassword=hunter2"], "it is a secret"],
    ["a secret that would be kept in clear", ["--secret", "CarrierUserName=@secret"], "kept in clear"],
    ["an empty secret", ["--secret", "CarrierUserPassword=env:NONE"], "there is nothing in env:NONE"],
  ])("exits 2 for %s, asks nothing and repeats no secret", async (_, options, words) => {
    const { code, stderr, asked } = await run(["change", "Florist", ...options]);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("hunter2");
  });
});
