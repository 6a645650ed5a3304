import { describe, expect, it } from "vitest";
import { createFolder } from "./command-line.ts";
import { startSmallAgent, type Answers } from "./small-agent.ts";

const guid = "1b9ec2ad-bf3e-4096-b387-9daa05750616";
const accepted = { body: { taskId: "wst_1" } };
const first = { level: "Information", message: "Waits for its turn" };
const done = { level: "Information", message: "SBC sbc-onboarding done for site SIPTest4." };

function task(status: string, details: (string | null)[], messages: object[], umpCustomerGuid: string | null = null) {
  return { id: "wst_1", status, details, executionMessages: messages, outputData: { umpCustomerGuid } };
}

const running = { body: task("InProgress", [], [first]) };
const converted = { body: task("CompletedSuccess", ["Converted"], [done], guid) };
const already = {
  body: task(
    "CompletedSuccess",
    ["CustomerAlreadyConverted"],
    [{ level: "Warning", message: "Undo Lead to OcBasic conversion in database!" }],
  ),
};
const failed = { body: task("CompletedFailed", ["Failed"], [{ level: "Error", message: "table\nfull" }]) };

async function prepare(answers: Answers) {
  const agent = await startSmallAgent(answers);
  const folder = createFolder();
  folder.announce(agent.url);
  folder.write("customer.json", '{ "customerShortName": "SIPTest4" }\n');
  return { agent, folder };
}

describe("convert", () => {
  it("posts the file as it is and shows each message once until the customer is there", async () => {
    const { agent, folder } = await prepare({
      "POST /api/v3/customer": accepted,
      "GET /api/v2/task/wst_1": [running, running, { body: task("InProgress", [], [first, done]) }, converted],
    });
    const { code, stdout, stderr } = await folder.run(["convert", "customer.json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`Accepted as task wst_1
  Information  Waits for its turn
  Information  SBC sbc-onboarding done for site SIPTest4.
Converted. Customer ${guid}
`);
    expect(agent.asked[0]).toMatchObject({
      body: '{ "customerShortName": "SIPTest4" }\n',
      contentType: "application/json",
      authorization: "Bearer the-admin-token",
    });
  });

  it("shows a message again that comes again after another", async () => {
    const { folder } = await prepare({
      "POST /api/v3/customer": accepted,
      "GET /api/v2/task/wst_1": [
        running,
        { body: task("CompletedSuccess", ["Converted"], [first, done, first], guid) },
      ],
    });
    const { stdout } = await folder.run(["convert", "customer.json"]);
    expect(stdout.match(/Waits for its turn/g)).toHaveLength(2);
  });

  it("says that a tenant was converted already, and that nothing was created, and exits 0", async () => {
    const { folder } = await prepare({ "POST /api/v3/customer": accepted, "GET /api/v2/task/wst_1": already });
    const { code, stdout } = await folder.run(["convert", "customer.json"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Already converted: the tenant is a customer already. Nothing was created or changed.");
    expect(stdout).not.toContain("\nConverted");
  });

  it("exits 1 when the task failed, with its messages", async () => {
    const { folder } = await prepare({ "POST /api/v3/customer": accepted, "GET /api/v2/task/wst_1": failed });
    const { code, stdout } = await folder.run(["convert", "customer.json"]);
    expect(code).toBe(1);
    expect(stdout).toContain("  Error        table\n               full\nFailed: Failed\n");
  });

  it("prints the task alone on stdout with --json, the progress on stderr", async () => {
    const { folder } = await prepare({
      "POST /api/v3/customer": accepted,
      "GET /api/v2/task/wst_1": [running, converted],
    });
    const { stdout, stderr } = await folder.run(["convert", "customer.json", "--json"]);
    expect(JSON.parse(stdout)).toEqual(converted.body);
    expect(stderr).toContain("Accepted as task wst_1\n  Information  Waits for its turn\n");
  });

  it("leaves with --no-follow once the task has its id", async () => {
    const { agent, folder } = await prepare({ "POST /api/v3/customer": { body: { jobId: "wst_1" } } });
    const { code, stdout } = await folder.run(["convert", "customer.json", "--no-follow"]);
    expect(code).toBe(0);
    expect(stdout).toContain("sbc-agent task wst_1 --follow");
    expect(agent.asked).toHaveLength(1);
    expect(JSON.parse((await folder.run(["convert", "customer.json", "--no-follow", "--json"])).stdout)).toEqual({
      taskId: "wst_1",
    });
  });

  it("exits 2 and shows the fields that make the file malformed", async () => {
    const { folder } = await prepare({
      "POST /api/v3/customer": {
        status: 400,
        body: {
          type: "https://tools.ietf.org/html/rfc7231#section-6.5.1",
          title: "One or more validation errors occurred.",
          status: 400,
          detail: "The request was refused and nothing was stored.",
          errors: { msTenantId: ["must be a GUID"], "": ["a field stands twice"] },
          traceId: "00-1-2-00",
        },
      },
    });
    const { code, stdout, stderr } = await folder.run(["convert", "customer.json"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("One or more validation errors occurred: The request was refused and nothing was stored.");
    expect(stderr).toContain("\n  msTenantId: must be a GUID\n  a field stands twice\n  traceId: 00-1-2-00\n");
  });

  it("says that it is not known whether the conversion was accepted when the answer is lost", async () => {
    const { folder } = await prepare({ "POST /api/v3/customer": "hang up" });
    const { code, stderr } = await folder.run(["convert", "customer.json"]);
    expect(code).toBe(1);
    expect(stderr).toContain("not known. Converting again is safe");
    expect(stderr).toContain("socket hang up");
  });

  it("leaves the task running when it is interrupted, and says how to look again", async () => {
    const { folder } = await prepare({ "POST /api/v3/customer": accepted, "GET /api/v2/task/wst_1": running });
    const interrupt = new AbortController();
    const { code, stderr } = await folder.run(["convert", "customer.json"], {
      signal: interrupt.signal,
      wait: async (_ms, signal) => {
        interrupt.abort();
        signal.throwIfAborted();
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("The task goes on; look again:\n  sbc-agent task wst_1 --follow\n  because: Interrupted.");
  });
});

describe("task", () => {
  it.each([
    ["converted", converted, 0, `Converted. Customer ${guid}`],
    ["already converted", already, 0, "Already converted:"],
    ["failed", failed, 1, "Failed: Failed"],
    ["in progress", running, 0, "InProgress: not ended; follow it: sbc-agent task wst_1 --follow"],
    ["of an unknown status", { body: task("Queued", [null], []) }, 0, "Queued: not ended"],
    ["with spaces in its status", { body: task("Completed Success", ["Converted"], [], guid) }, 0, "Converted."],
    ["of another kind", { body: task("CompletedSuccess", [], []) }, 0, "Completed."],
  ])("shows how it stands once without --follow: %s", async (_, answer, expected, words) => {
    const { agent, folder } = await prepare({ "GET /api/v2/task/wst_1": answer });
    const { code, stdout } = await folder.run(["task", "wst_1"]);
    expect(code).toBe(expected);
    expect(stdout).toContain("Task wst_1\n");
    expect(stdout).toContain(words);
    expect(agent.asked).toHaveLength(1);
  });

  it("asks every 250 ms at first and every 2 s at last with --follow", async () => {
    const { folder } = await prepare({
      "GET /api/v2/task/wst_1": [...Array.from({ length: 8 }, () => running), converted],
    });
    const waits: number[] = [];
    const { code } = await folder.run(["task", "wst_1", "--follow"], { wait: async (ms) => void waits.push(ms) });
    expect(code).toBe(0);
    expect(waits.map(Math.round)).toEqual([250, 375, 563, 844, 1266, 1898, 2000, 2000]);
  });

  it("goes on following when the agent is away for a while", async () => {
    const { folder } = await prepare({
      "GET /api/v2/task/wst_1": [running, "hang up", { status: 503, body: { title: "Starting" } }, converted],
    });
    const { code, stdout } = await folder.run(["task", "wst_1", "--follow"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/socket hang up; asking again\nthe agent answers again\n/);
  });

  it("gives up when the agent stays away, and says how to look again", async () => {
    const { agent, folder } = await prepare({ "GET /api/v2/task/wst_1": [running, "hang up"] });
    const { code, stderr } = await folder.run(["task", "wst_1", "--follow"]);
    expect(code).toBe(1);
    expect(stderr).toContain("sbc-agent task wst_1 --follow");
    expect(agent.asked).toHaveLength(32);
  });

  it("exits 1 for a task that the agent does not know", async () => {
    const { folder } = await prepare({
      "GET /api/v2/task/a%2Fb": { status: 404, body: { title: "Not Found", detail: "Task a/b is not known here." } },
    });
    const { code, stderr } = await folder.run(["task", "a/b"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Task a/b is not known here.");
  });
});
