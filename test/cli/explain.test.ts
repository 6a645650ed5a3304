import { expect, it } from "vitest";
import { createFolder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";

const explained = {
  subject: "sbc-1",
  kind: "device",
  state: "paused",
  waitsFor: "the end of the pause of device sbc-1",
  next: null,
  humanCan: "end it",
  sentence: "Device sbc-1 waits for the end of its pause; a human can end it.",
};
const group = {
  cause: "name … is held",
  example: "name Acme is held\nby another",
  count: 3,
  firstAt: "2026-02-27T12:00:00Z",
  lastAt: "2026-03-01T11:55:00Z",
  devices: ["a", "b", "c", "d", "e", "f", "g"],
  tasks: ["wst_7", "wst_6"],
};
const failures = {
  since: "2026-02-22T12:00:00Z",
  failed: 4,
  complete: true,
  groups: [group, { ...group, count: 1, devices: [] }],
};

async function ask(argv: readonly string[], answers: Parameters<typeof startSmallAgent>[0]) {
  const agent = await startSmallAgent(answers);
  const folder = createFolder();
  folder.announce(agent.url);
  return folder.run(argv);
}

it("explains a subject in one sentence, or as JSON", async () => {
  const answers = { "GET /api/agent/v1/explain/sbc-1": { body: explained } };
  expect(await ask(["explain", "sbc-1"], answers)).toEqual({ code: 0, stdout: `${explained.sentence}\n`, stderr: "" });
  const json = await ask(["explain", "sbc-1", "--json"], answers);
  expect(JSON.parse(json.stdout)).toEqual(explained);
});

it("says what is not known, and exits 1", async () => {
  const answers = {
    "GET /api/agent/v1/explain/a%2Fb": { status: 404, body: { title: "Not Found", detail: "'a/b' is no task" } },
  };
  const { code, stdout, stderr } = await ask(["explain", "a/b"], answers);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("'a/b' is no task");
});

it("shows failures by their cause, with count, times, devices and one task", async () => {
  const { code, stdout } = await ask(["failures"], { "GET /api/agent/v1/failures?since=7d": { body: failures } });
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      "4 tasks failed in the last 7d, of 2 causes.",
      "",
      "3 x name Acme is held",
      "    by another",
      "    first 2d ago, last 5m ago, on a, b, c, d, e, 2 more",
      "    for example: sbc-agent task wst_7",
      "",
      "1 x name Acme is held",
      "    by another",
      "    5m ago",
      "    for example: sbc-agent task wst_7",
      "",
    ].join("\n"),
  );
});

it("says so when nothing failed, when more did than were read, and when the age is none", async () => {
  const none = { body: { ...failures, failed: 0, groups: [] } };
  expect(await ask(["failures", "--since", "2h"], { "GET /api/agent/v1/failures?since=2h": none })).toMatchObject({
    code: 0,
    stdout: "No task failed in the last 2h.\n",
  });
  const many = { body: { ...failures, failed: 10_000, complete: false } };
  expect((await ask(["failures"], { "GET /api/agent/v1/failures?since=7d": many })).stdout).toMatch(
    /^More than 10000 tasks/,
  );
  const refused = {
    status: 400,
    body: { title: "Bad", detail: "refused", errors: { since: ["a number and a unit"] } },
  };
  const { code, stderr } = await ask(["failures", "--since", "soon"], {
    "GET /api/agent/v1/failures?since=soon": refused,
  });
  expect([code, stderr]).toEqual([2, expect.stringContaining("a number and a unit")]);
});
