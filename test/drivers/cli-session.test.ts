import { fc, test } from "@fast-check/vitest";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openCliSession } from "../../drivers/cli-session.ts";
import type { FakeShell, Reply } from "./fake-shell.ts";
import { openFakeShell } from "./fake-shell.ts";
import { faultOf } from "./fake-device.ts";

const times = { learnMs: { whole: 1, bare: 1 }, nudgeMs: 30 };
const patient = { deadlineMs: 5_000 };
const erase = "\b".repeat(9) + " ".repeat(9) + "\b".repeat(9);
const shells: FakeShell[] = [];

/** A shell whose answers are listed by line; each is printed behind the echo and before the prompt. */
function scripted(answers: Readonly<Record<string, string>>, prompt = "LAB-SBC1# "): Reply {
  return (line) => `${line}\r\n${answers[line] ?? ""}\r\n${prompt}`;
}

async function started(reply: Reply, greeting = "LAB-SBC1# ", chunkSizes: readonly number[] = [], noise?: RegExp) {
  const shell = openFakeShell(reply, chunkSizes, greeting);
  shells.push(shell);
  const session = openCliSession(shell.stream, times, noise);
  await session.start(5_000);
  return { shell, session };
}

afterEach(() => {
  vi.useRealTimers();
  for (const shell of shells.splice(0)) shell.stream.destroy();
});

describe("the first prompt", () => {
  it.each([
    ["one word", "LAB-SBC1> ", { mode: undefined, starred: false, privileged: false }],
    ["a name with spaces", "Mediant VE SBC# ", { mode: undefined, starred: false, privileged: true }],
    ["a star", "Mediant SW*# ", { mode: undefined, starred: true, privileged: true }],
    ["every character that names have", "A-Za_0.9/x y> ", { mode: undefined, starred: false, privileged: false }],
    ["no space behind the sign", "M800B#", { mode: undefined, starred: false, privileged: true }],
    [
      "text before it",
      "Last login: 1.1.2026 <none>\r\n\r\nM500Li> ",
      { mode: undefined, starred: false, privileged: false },
    ],
    [
      "a greeting in lines",
      "Welcome to AudioCodes CLI\r\n\r\n# motd #\r\n\r\nM500Li# ",
      { mode: undefined, starred: false, privileged: true },
    ],
  ])("is read with %s", async (_name, greeting, prompt) => {
    const { session } = await started(() => "", greeting);
    expect(session.prompt()).toEqual(prompt);
  });

  it("is asked for with Enter when nothing comes", async () => {
    const { shell, session } = await started((line) => (line === "" ? "\r\nM800B> " : ""), "");
    expect(session.prompt().privileged).toBe(false);
    expect(shell.written()).toBe("\r");
  });

  it("is found where a log is printed behind every prompt", async () => {
    const { session } = await started(
      (line) => `${line}\r\n${line === "" ? "" : "x\r\n"}\r\nM800B> \r\nalarm: up\r\n`,
      "M800B> \r\nalarm: up\r\n",
    );
    expect((await session.run("show x", patient)).output).toEqual(["x"]);
    expect((await session.run("show x", patient)).output).toEqual(["x"]);
  });

  it("is learnt anew behind the first answer when a greeting looked like one", async () => {
    const { shell, session } = await started(scripted({ "show x": "x\r\n" }, "M800B# "), "Keep out> ");
    shell.print("\r\nM800B# ");
    expect(await session.run("show x", patient)).toMatchObject({ output: ["x"], prompt: { privileged: true } });
    expect(await session.run("show y", patient)).toMatchObject({ output: [] });
  });
});

const dialogues: readonly (readonly [name: string, answer: (line: string) => string, output: readonly string[]])[] = [
  ["no output", (line) => `${line}\r\n\r\nLAB-SBC1# `, []],
  ["one line", (line) => `${line}\r\nDone\r\n\r\nLAB-SBC1# `, ["Done"]],
  ["no blank line before the prompt", (line) => `${line}\r\nDone\r\nLAB-SBC1# `, ["Done"]],
  ["lines that end with CR CR LF", (line) => `${line}\r\r\nDone\r\r\n\r\r\nLAB-SBC1# `, ["Done"]],
  ["lines that end with LF", (line) => `${line}\nDone\n\nLAB-SBC1# `, ["Done"]],
  [
    "an echo that has each character twice",
    (line) => `${line.replace(/./gu, "$&$&")}\r\nDone\r\n\r\nLAB-SBC1# `,
    ["Done"],
  ],
  ["a doubled echo", (line) => `${line}\r\n${line}\r\nDone\r\n\r\nLAB-SBC1# `, ["Done"]],
  ["log lines before the echo", (line) => `\r\n<134>[S=1] alarm# \r\n${line}\r\nDone\r\n\r\nLAB-SBC1# `, ["Done"]],
  ["the prompt once more before the echo", (line) => `\r\nLAB-SBC1# ${line}\r\nDone\r\n\r\nLAB-SBC1# `, ["Done"]],
  [
    "lines that look like prompts of others",
    (line) =>
      `${line}\r\n# Running Configuration LAB-SBC1\r\n\r\nOTHER# \r\nLAB-SBC1 #\r\n;Board: LAB-SBC1\r\n\r\nLAB-SBC1# `,
    ["# Running Configuration LAB-SBC1", "", "OTHER# ", "LAB-SBC1 #", ";Board: LAB-SBC1"],
  ],
  ["a mode and a star", (line) => `${line}\r\nNote: x\r\n\r\nLAB-SBC1(proxy-ip-0/0)*# `, ["Note: x"]],
  ["escape sequences and bells", (line) => `${line}\r\n\u001b[0mDo\u0007ne\u001b[K\r\n\r\nLAB-SBC1# `, ["Done"]],
  ["characters of more bytes", (line) => `${line}\r\nGrüße, 東京\r\n\r\nLAB-SBC1# `, ["Grüße, 東京"]],
];

describe("a line", () => {
  it.each(dialogues)("is answered with %s, whatever the packets", async (_name, answer, output) => {
    for (const size of [1, 2, 3, 7, 1_000]) {
      const { session } = await started(answer, "LAB-SBC1# ", [size]);
      expect((await session.run("activate", patient)).output).toEqual(output);
      expect((await session.run("next", patient)).output).toEqual(output);
    }
  });

  test.prop([fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }), fc.nat(dialogues.length - 1)])(
    "gives one result for any division into packets",
    async (chunkSizes, which) => {
      const [, answer, output] = dialogues[which] ?? dialogues[0] ?? expect.fail();
      const { session } = await started(answer, "LAB-SBC1# ", chunkSizes);
      const answers = await Promise.all(["one", "two", "two"].map((line) => session.run(line, patient)));
      expect(answers.map((one) => one.output)).toEqual([output, output, output]);
    },
  );

  it("ends with CR, and nothing else is typed", async () => {
    const { shell, session } = await started(scripted({}));
    await session.run("show system version", patient);
    expect(shell.written()).toBe("show system version\r");
  });

  it("is told with the mode, the level and the star of the prompt behind it", async () => {
    const { session } = await started(scripted({}, "LAB-SBC1(proxy-set-0)*# "));
    const { prompt } = await session.run("proxy-set 0", patient);
    expect(prompt).toEqual({ mode: "proxy-set-0", starred: true, privileged: true });
    expect(session.prompt()).toEqual(prompt);
  });

  it("gets one more Enter when the device waits for it", async () => {
    const { shell, session } = await started((line) =>
      line === "" ? "\r\nLAB-SBC1# " : `${line}\r\nVersion info:\r\n`,
    );
    expect((await session.run("show system version", patient)).output).toEqual(["Version info:"]);
    expect(shell.written()).toBe("show system version\r\r");
  });

  it("is not disturbed by the prompt that an Enter too many brings", async () => {
    const { shell, session } = await started((line) => (line === "slow" ? "slow\r\n" : scripted({})(line)));
    const slow = session.run("slow", patient);
    await expect.poll(() => shell.written()).toBe("slow\r\r");
    shell.print("late\r\n\r\nLAB-SBC1# ");
    await slow;
    expect((await session.run("exit", patient)).output).toEqual([]);
    expect((await session.run("exit", patient)).output).toEqual([]);
  });
});

describe("lines that are typed ahead", () => {
  it("leave together, in writes that small packet limits take, and are answered one by one", async () => {
    const { shell, session } = await started((line) => `${line}\r\nto ${line}\r\n\r\nLAB-SBC1# `);
    const lines = Array.from({ length: 40 }, (_, at) => `parameter-of-some-length-${at} "a value of some length"`);
    const answers = await Promise.all(lines.map((line) => session.run(line, patient)));
    expect(answers.map(({ output }) => output)).toEqual(lines.map((line) => [`to ${line}`]));
    expect(shell.writes.length).toBeLessThan(6);
    for (const write of shell.writes) expect(Buffer.byteLength(write)).toBeLessThanOrEqual(512);
  });

  it.each([["one"], ["exit"]])("are understood when the shell echoes before it works (%s)", async (second) => {
    const typed: string[] = [];
    const { shell, session } = await started((line) => {
      typed.push(line);
      return undefined;
    });
    const answers = Promise.all(["exit", second, "three"].map((line) => session.run(line, patient)));
    await expect.poll(() => typed.length).toBe(3);
    shell.print(typed.map((line) => `${line}\r\n`).join(""));
    shell.print("a\r\n\r\nLAB-SBC1# \r\nLAB-SBC1# c\r\n\r\nLAB-SBC1# ");
    expect((await answers).map(({ output }) => output)).toEqual([["a"], [], ["c"]]);
  });
});

describe("the pager", () => {
  it("is answered with a space, and its erasing leaves the indentation of the next line", async () => {
    const pages = ["   one\r\n", "      jitter-buffer\r\n", " x\r\n\r\nLAB-SBC1# "];
    const { shell, session } = await started((line) =>
      line === " "
        ? erase + (pages.shift() ?? "") + (pages.length > 0 ? " --MORE--" : "")
        : `${line}\r\n${pages.shift() ?? ""} --MORE--`,
    );
    const { output } = await session.run("show running-config", patient);
    expect(output).toEqual(["   one", "      jitter-buffer", " x"]);
    expect(shell.written()).toBe("show running-config\r  ");
  });
});

describe("a secret", () => {
  const asking: Reply = (line) =>
    line === "enable"
      ? "enable\r\nPassword: "
      : line === "right"
        ? "\r\nLAB-SBC1# "
        : "\r\n\r\nAccess denied\r\n\r\nLAB-SBC1> ";

  it("is typed only when it is asked for", async () => {
    const { session } = await started(asking, "LAB-SBC1> ");
    const answer = await session.run("enable", { ...patient, secret: "right" });
    expect(answer).toMatchObject({ output: [], secretAsked: true, prompt: { privileged: true } });
    const { shell, session: other } = await started(scripted({}), "LAB-SBC1> ");
    expect(await other.run("enable", { ...patient, secret: "right" })).toMatchObject({ secretAsked: false });
    expect(shell.written()).not.toContain("right");
  });

  it("that is refused leaves the level as it was", async () => {
    const { session } = await started(asking, "LAB-SBC1> ");
    const answer = await session.run("enable", { ...patient, secret: "wrong" });
    expect(answer).toMatchObject({ output: ["Access denied"], prompt: { privileged: false } });
  });

  it("is never typed twice, and no Enter in its place", async () => {
    const { shell, session } = await started(
      (line) => (line === "enable" ? "enable\r\nPassword: " : "\r\nPassword: "),
      "LAB-SBC1> ",
    );
    expect(await faultOf(session.run("enable", { ...patient, secret: "wrong" }))).toMatchObject({ code: "auth" });
    expect(shell.written()).toBe("enable\rwrong\r");
  });
});

describe("what only begins like a question", () => {
  it("gets no secret", async () => {
    const { shell, session } = await started(scripted({ enable: "Password: will expire in 3 days" }), "LAB-SBC1> ");
    const answer = await session.run("enable", { ...patient, secret: "right" });
    expect(answer).toMatchObject({ secretAsked: false, output: ["Password: will expire in 3 days"] });
    expect(shell.written()).toBe("enable\r");
  });
});

describe("a question behind which a log is printed", () => {
  it("is answered all the same", async () => {
    const asking: Reply = (line) => (line === "enable" ? "enable\r\nPassword: local0 link up\r\n" : "\r\nLAB-SBC1# ");
    const { session } = await started(asking, "LAB-SBC1> ", [], /local0/);
    expect(await session.run("enable", { ...patient, secret: "right" })).toMatchObject({
      secretAsked: true,
      prompt: { privileged: true },
    });
  });
});

describe("what stands between a prompt and the next echo", () => {
  it("comes with the answer to the line behind it", async () => {
    const { shell, session } = await started(scripted({}));
    shell.print("%% link up\r\nInvalid value\r\n\r\nLAB-SBC1# ");
    expect(await session.run("show", patient)).toMatchObject({ stray: ["%% link up", "Invalid value"] });
    expect(await session.run("show", patient)).toMatchObject({ stray: [] });
  });
});

describe("a deadline", () => {
  async function silent(reply: Reply = () => "") {
    const begun = await started(reply);
    vi.useFakeTimers();
    return begun;
  }

  it("ends a line that is not answered, and the session with it", async () => {
    const { session } = await silent();
    const fault = faultOf(session.run("write", { deadlineMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(59_999);
    expect(session.broken()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(await fault).toMatchObject({ code: "timeout" });
    expect(await faultOf(session.run("x", patient))).toMatchObject({ code: "timeout" });
  });

  it("counts for each line from when it is the next to be answered", async () => {
    const { shell, session } = await silent();
    const answers = Promise.all([session.run("one", { deadlineMs: 1_000 }), session.run("two", { deadlineMs: 1_000 })]);
    await vi.advanceTimersByTimeAsync(900);
    shell.print("one\r\n\r\nLAB-SBC1# two\r\n");
    await vi.advanceTimersByTimeAsync(900);
    shell.print("\r\nLAB-SBC1# ");
    expect((await answers).length).toBe(2);
  });

  it("of quiet counts from the last byte", async () => {
    const { shell, session } = await silent();
    const fault = faultOf(session.run("show", { deadlineMs: 60_000, idleMs: 1_000 }));
    for (let i = 0; i < 10; i += 1) {
      await vi.advanceTimersByTimeAsync(999);
      shell.print("x");
    }
    expect(session.broken()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_001);
    expect(await fault).toMatchObject({ code: "timeout" });
  });

  it("ends the wait for the first prompt", async () => {
    const shell = openFakeShell(() => "", [], "no prompt\r\n");
    shells.push(shell);
    vi.useFakeTimers();
    const fault = faultOf(openCliSession(shell.stream, times).start(500));
    await vi.advanceTimersByTimeAsync(500);
    expect(await fault).toMatchObject({ code: "timeout" });
  });
});

describe("the end", () => {
  it("of the stream breaks what is under way and what comes after", async () => {
    const { shell, session } = await started((line) => `${line}\r\n`);
    const fault = faultOf(session.run("show", patient));
    shell.hangUp();
    expect(await fault).toMatchObject({ code: "unreachable" });
    expect(await faultOf(session.run("show", patient))).toMatchObject({ code: "unreachable" });
  });

  it("is reached by exit from every level, and what keeps the device is not waited for", async () => {
    let level = 3;
    const { shell, session } = await started((line) => {
      level -= 1;
      if (level === 0) queueMicrotask(() => shell.hangUp());
      return `${line}\r\n${level === 0 ? "" : "\r\nLAB-SBC1(x)# "}`;
    });
    await session.leave(5_000);
    expect(shell.written()).toBe("exit\rexit\rexit\r");
    const { session: deaf } = await started(() => "");
    await deaf.leave(20);
    expect(deaf.broken()?.code).toBe("timeout");
  });

  it("does not wait for a line that is still under way", async () => {
    const { session } = await started(() => "");
    const fault = faultOf(session.run("write", { deadlineMs: 60_000 }));
    await session.leave(20);
    expect(await fault).toMatchObject({ code: "timeout", message: "it was not left within 20 ms" });
  });

  it("leaves no timer", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const { shell, session } = await started(scripted({}));
    await session.run("show", { deadlineMs: 60_000, idleMs: 60_000 });
    shell.hangUp();
    await expect.poll(() => session.broken()).toBeDefined();
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThanOrEqual(
      before + 1,
    );
  });
});
