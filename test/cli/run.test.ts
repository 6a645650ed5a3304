import { describe, expect, it } from "vitest";
import type { CommandContext, RunningAgent } from "../../agent/commands/context.ts";
import { createFolder, settings } from "./command-line.ts";

type Start = CommandContext["startAgent"];

function run(
  start: (...args: Parameters<Start>) => RunningAgent,
  overrides: Partial<CommandContext> = {},
  config: object = settings,
  options: readonly string[] = [],
) {
  return createFolder(config).run(["run", ...options], { startAgent: async (...args) => start(...args), ...overrides });
}

/** A wait that only its signal ends. */
const waitForSignal: CommandContext["wait"] = (_ms, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });

describe("run", () => {
  it("says where it listens, and stops in order at the first signal", async () => {
    const interrupt = new AbortController();
    const steps: string[] = [];
    const { code, stdout, stderr } = await run(
      () => {
        setImmediate(() => interrupt.abort());
        return { url: "http://127.0.0.1:8080", stop: async () => void steps.push("stopped") };
      },
      { signal: interrupt.signal, wait: waitForSignal },
    );
    expect({ code, stdout, stderr, steps }).toEqual({
      code: 0,
      stdout: "sbc-agent listens on http://127.0.0.1:8080\n",
      stderr: "",
      steps: ["stopped"],
    });
  });

  it("says where it listens as JSON with --json", async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const agent = { url: "http://127.0.0.1:8080", stop: () => Promise.resolve() };
    const overrides = { signal: interrupt.signal, wait: waitForSignal };
    const { code, stdout } = await run(() => agent, overrides, settings, ["--json"]);
    expect({ code, printed: JSON.parse(stdout) as unknown }).toEqual({ code: 0, printed: { url: agent.url } });
  });

  it("exits 1 when stopping takes longer than 9 s", async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const waits: number[] = [];
    const { code, stderr } = await run(() => ({ url: "u", stop: () => new Promise(() => undefined) }), {
      signal: interrupt.signal,
      wait: async (ms) => void waits.push(ms),
    });
    expect({ code, waits }).toEqual({ code: 1, waits: [9_000] });
    expect(stderr).toContain("did not stop within 9 s");
  });

  it("exits 1 with the reason when it cannot start", async () => {
    const { code, stderr } = await run(() => {
      throw new Error("another sbc-agent uses the data folder");
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "another sbc-agent uses the data folder\n" });
  });

  it("does not start with a configuration that cannot be used", async () => {
    let started = false;
    const agent = () => {
      started = true;
      return { url: "u", stop: async () => undefined };
    };
    expect((await run(agent, {}, {})).code).toBe(2);
    expect(started).toBe(false);
  });

  it.each([
    ["auto", true, "text"],
    ["auto", false, "json"],
    ["json", true, "json"],
    ["text", false, "text"],
  ] as const)("logs %s on a terminal (%s) as %s", async (format, isTTY, expected) => {
    const interrupt = new AbortController();
    interrupt.abort();
    let seen = "";
    await run(
      (_config, { logFormat }) => {
        seen = logFormat;
        return { url: "u", stop: async () => undefined };
      },
      { signal: interrupt.signal, wait: waitForSignal, stderr: { write: () => undefined, isTTY } },
      { ...settings, log: { format } },
    );
    expect(seen).toBe(expected);
  });
});
