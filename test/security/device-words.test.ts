import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually, type TaskBody } from "../e2e/client.ts";
import { runCommand, startDaemon, writeConfig } from "../e2e/daemon.ts";
import { doorsFor, pin, reachOf } from "../e2e/reach.ts";
import { configFor, control, deviceFile, drawTenant, named, stateOf } from "../e2e/rig.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Lines of a log of its own, commands, prompts and colours: what a hostile device could say. */
const hostile = [
  "\r\n12:00:00.000 info  ready role=embedded",
  '\n{"level":"info","message":"ready"}',
  "\x1b[2J\x1b]0;owned\x07",
  "\u2028\u202e\x85{{shortName}} exit",
  "# no ip-group 0",
].join("");

/** In a name, what stands on one line between quotes, and is the same in a shell and in a file. */
const hostileName = "Evil {{shortName}} exit ! \u2028 no ip-group 0";

const unseen = /[^\P{C}\n]|[\u2028\u2029]/u;

describe.each([
  ["rest", "json"],
  ["ssh", "text"],
] as const)("rule 7: a device over %s that says hostile things", (route, format) => {
  it(`steers neither agent nor log nor terminal, and gets the rows that it should have (log as ${format})`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "sbc-agent-words-"));
    opened.push(async () => rmSync(folder, { recursive: true, force: true }));
    const ini = deviceFile.replaceAll('"IPG_Fabrikam"', `"${hostileName}"`);
    const mock = await startMockSbc({ ini, serialNumber: `1001${hostile}`, name: "Evil# exit", ...doorsFor(route) });
    opened.push(() => mock.stop());
    const config = configFor(folder, [reachOf(mock, route)], { log: { level: "debug", format } });
    await pin(config, [mock]);
    const file = writeConfig(folder, config);
    const daemon = await startDaemon(file, config);
    opened.push(() => daemon.kill("SIGKILL"));
    const { client } = daemon;
    const before = await stateOf(mock);
    const post = async (shortName: string): Promise<string> => {
      const tenant = drawTenant();
      await client.addLead(tenant);
      return client.post(shortName, tenant);
    };

    await control(mock, "POST", "/faults", { name: "reject-line", match: "Refused", text: `Invalid ${hostile}` });
    const refused = await client.ended(await post("Refused"));
    expect(refused.status, JSON.stringify(refused)).toBe("CompletedFailed");
    const waiting = await post("Taken");
    const taken = await eventually<TaskBody>(
      () => client.task(waiting),
      ({ status }) => status !== "InProgress",
      (task) => JSON.stringify(task),
    );
    expect(taken.details, JSON.stringify(taken)).toEqual(["Converted"]);

    const after = await stateOf(mock);
    const groups = (rows: typeof before) => rows.running["IPGroup"] ?? [];
    expect(groups(after).slice(0, groups(before).length)).toEqual(groups(before));
    expect(groups(after)).toHaveLength(groups(before).length + 1);
    expect(named(after.startup["IPGroup"], "Name").get("Taken")?.active).toBe(true);

    const { output } = await runCommand(["task", refused.id, "--config", file]);
    expect(output).toContain("owned");
    expect(output).not.toMatch(unseen);
    const lines = daemon.output().trimEnd().split("\n");
    expect(lines.filter((line) => unseen.test(line))).toEqual([]);
    // Lines of our own begin with the time or are JSON with it; only the announcement is neither.
    const isOurs = (line: string): boolean =>
      format === "json"
        ? line.startsWith('{"timestamp":')
        : /^\d\d:\d\d:\d\d\.\d{3} (?:error|warn |info |debug) /.test(line);
    expect(lines.filter((line) => !isOurs(line) && !line.startsWith("sbc-agent listens on"))).toEqual([]);
    expect(lines.filter((line) => /\bready\b/.test(line) && isOurs(line)).length).toBeLessThanOrEqual(1);
  });
});
