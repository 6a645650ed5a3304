import { afterEach, describe, expect, it } from "vitest";
import { openCliSession } from "../../drivers/cli-session.ts";
import type { Step } from "../../drivers/driver.ts";
import { mediant74 } from "../../drivers/mediant/dialects.ts";
import { renderFields, renderLines } from "../../drivers/mediant/render.ts";
import { mediantTables } from "../../drivers/mediant/tables.ts";
import type { ShellDialect } from "../../drivers/shell-dialects.ts";
import { shell6, shell7, shellDialectOf } from "../../drivers/shell-dialects.ts";
import type { RowOptions } from "../../drivers/ssh-rows.ts";
import { carryRows } from "../../drivers/ssh-rows.ts";
import type { FakeShell } from "./fake-shell.ts";
import { openFakeShell } from "./fake-shell.ts";

const shells: FakeShell[] = [];
afterEach(() => {
  for (const shell of shells.splice(0)) shell.stream.destroy();
});

const group = (kind: "create" | "update", index: number): Step => {
  const fields = { tags: `T=${index}`, name: `IPG_${index}` };
  const place = { table: "ip-group" as const, index };
  return kind === "create" ? { kind, ...place, fields } : { kind, ...place, name: `IPG_${index}`, set: fields };
};

/**
 * A shell whose modes work; answers when it is told to, refuses what `refuse` names, and passes over `ignore` once,
 * or always where it is `stubborn`. `late` is printed behind the prompt of the line that it names; what `warn` names is
 * done with a warning.
 */
async function open(
  refuse: RegExp = /^$/,
  ignore: RegExp = /^$/,
  {
    late = {},
    stubborn = false,
    warn = /^$/,
  }: { late?: Readonly<Record<string, string>>; stubborn?: boolean; warn?: RegExp } = {},
) {
  const typed: string[] = [];
  const modes: string[] = [];
  const shell = openFakeShell(
    (line) => {
      typed.push(line);
      return undefined;
    },
    [],
    "S# ",
  );
  shells.push(shell);
  const session = openCliSession(shell.stream, { learnMs: { whole: 1, bare: 1 }, nudgeMs: 60_000 });
  await session.start(5_000);
  let answered = 0;
  const answer = (): void => {
    const line = typed[answered++] ?? expect.fail();
    const isIgnored = ignore.test(line);
    const isRefused = refuse.test(line);
    if (isIgnored) ignore = stubborn ? ignore : /^$/;
    else if (line === "configure voip") modes.push("config-voip");
    else if (line === "exit") modes.pop();
    else if (/^ip-group \d+$/.test(line) && !isRefused) modes.push(line.replace(" ", "-"));
    const words = isRefused
      ? "Refused\r\n"
      : warn.test(line)
        ? "Warning: odd\r\n"
        : line === "activate"
          ? "Done\r\n"
          : "";
    const mode = modes.at(-1);
    const prompt = `S${mode === undefined ? "" : `(${mode})`}# `;
    const rest = late[line] === undefined ? "" : `${late[line]}\r\n\r\n${prompt}`;
    shell.print(`${line}\r\n${words}\r\n${prompt}${rest}`);
  };
  /** Answers one line after the other until all are answered; tells what was typed before each answer. */
  const answerAll = async (): Promise<void> => {
    for (;;) {
      const before = answered;
      await expect.poll(() => typed.length > answered || isDone).toBe(true);
      if (typed.length === before) return;
      answer();
      await new Promise(setImmediate);
    }
  };
  let isDone = false;
  const carry = (steps: readonly Step[], more: Partial<RowOptions> = {}, dialect: ShellDialect = shell7) => {
    const writable = { tables: mediantTables, limits: {}, columns: mediant74.common, firmware: "7.40A.250.440" };
    const before = (step: Step, fields: readonly string[]) =>
      renderFields(
        step,
        mediantTables.get(step.table) ?? expect.fail(),
        Object.fromEntries(fields.map((field) => [field, "old"])),
      );
    return carryRows(session, renderLines(steps, writable, "show"), {
      dialect,
      depth: 24,
      blind: false,
      lineMs: 5_000,
      refusedLine: /^Invalid/,
      isBusy: () => false,
      secretPrompts: false,
      before,
      ...more,
    }).finally(() => {
      isDone = true;
    });
  };
  return { shell, session, typed, answer, answerAll, carry };
}

const settled = () => new Promise(setImmediate);

describe("what leaves before earlier lines are confirmed", () => {
  it("is the header and all parameters of a row, and nothing that applies it", async () => {
    const { typed, answer, carry, answerAll } = await open();
    const done = carry([group("create", 7)]);
    await settled();
    const row = ["configure voip", "ip-group 7", 'tags "T=7"', 'name "IPG_7"'];
    expect(typed).toEqual(row);
    for (let i = 0; i < 3; i += 1) answer();
    await settled();
    expect(typed).toEqual(row);
    answer();
    await settled();
    expect(typed).toEqual([...row, "activate", "exit", "exit"]);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });

  it("is the next row behind a new one", async () => {
    const { typed, answer, carry, answerAll } = await open();
    const done = carry([group("create", 7), group("create", 8)]);
    await settled();
    for (let i = 0; i < 4; i += 1) answer();
    await settled();
    expect(typed.slice(4)).toEqual(["activate", "exit", "ip-group 8", 'tags "T=8"', 'name "IPG_8"']);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });

  it("is nothing behind an existing one, whose exit waits for activate", async () => {
    const { typed, answer, carry, answerAll } = await open();
    const done = carry([group("update", 7), group("create", 8)]);
    await settled();
    for (let i = 0; i < 4; i += 1) answer();
    await settled();
    expect(typed.slice(4)).toEqual(["activate"]);
    answer();
    await settled();
    expect(typed.slice(5)).toEqual(["exit"]);
    answer();
    await settled();
    expect(typed.slice(6)).toEqual(["ip-group 8", 'tags "T=8"', 'name "IPG_8"']);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });

  it("is one line with a depth of one, and in a dialect that does not take more", async () => {
    for (const [more, dialect] of [
      [{ depth: 1 }, shell7],
      [{}, shell6],
    ] as const) {
      const { typed, carry, answerAll } = await open();
      const done = carry([group("create", 7)], more, dialect);
      await settled();
      expect(typed).toEqual(["configure voip"]);
      await answerAll();
      expect(await done).toMatchObject({ refused: undefined });
    }
  });

  it("is whole new rows where that was asked for", async () => {
    const { typed, carry, answerAll } = await open();
    const done = carry([group("create", 7), group("create", 8)], { blind: true });
    await settled();
    expect(typed).toHaveLength(12);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });
});

describe("what the device may have done", () => {
  const isBusy = (text: string): boolean => text === "Refused";

  it.each<[string, RegExp, boolean]>([
    ["a row was taken before the refusal", /^name/, true],
    ["the header of the first row was refused, and what was typed for it", /^(ip-group|tags|name)/, false],
  ])("is known where %s", async (_, refuse, touched) => {
    const { carry, answerAll } = await open(refuse);
    const done = carry([group("create", 7)], { isBusy });
    await answerAll();
    expect(await done).toMatchObject({ touched });
  });

  it("is not nothing where it enters a row with words that nobody knows", async () => {
    const { carry, answerAll } = await open(/^$/, /^$/, { warn: /^ip-group/ });
    const done = carry([group("create", 7)], { depth: 1 });
    await answerAll();
    expect(await done).toMatchObject({ refused: "ip-group 7", touched: true });
  });

  it.each<[string, (text: string) => boolean, boolean]>([
    ["in words that nobody knows", () => false, true],
    ["in words that say that it is busy", isBusy, false],
  ])("is not nothing where it answers the deletion of a row %s", async (_, busy, touched) => {
    const { carry, answerAll } = await open(/^no ip-group 7$/);
    const done = carry([{ kind: "delete", table: "ip-group", index: 7, name: "IPG_7" }], { isBusy: busy });
    await answerAll();
    expect(await done).toMatchObject({ refused: "no ip-group 7", touched });
  });
});

describe("a refusal behind what looked like a prompt", () => {
  it("is one of the line before, and the row is not taken for applied", async () => {
    const { carry, answerAll } = await open(/^$/, /^$/, { late: { 'name "IPG_7"': "Invalid value" } });
    const done = carry([group("create", 7)]);
    await answerAll();
    expect(await done).toMatchObject({
      refused: "activate",
      output: ["Done", "before activate:", "Invalid value"],
    });
  });

  it("is none of a line that was printed before the first one was typed", async () => {
    const { shell, carry, answerAll } = await open();
    shell.print("%LINK-3-UPDOWN: up\r\nS# ");
    const done = carry([group("create", 7)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });

  it("is told from what else is printed there", async () => {
    const { carry, answerAll } = await open(/^$/, /^$/, { late: { 'name "IPG_7"': "Ethernet link is up" } });
    const done = carry([group("create", 7)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
  });
});

describe("after a refusal", () => {
  it("a device that does not leave the row gets nothing typed into it any more", async () => {
    const { session, carry, answerAll } = await open(/^name/, /^exit$/, { stubborn: true });
    const done = carry([group("create", 7)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: 'name "IPG_7"' });
    expect(session.broken()).toMatchObject({ code: "protocol", message: 'the device does not leave "ip-group-7"' });
  });

  it("says what an existing row was not given back", async () => {
    const { carry, answerAll } = await open(/^name/);
    const done = carry([group("update", 7)]);
    await answerAll();
    expect((await done).output).toContain("not given back what it was: name");
  });

  it.each([["ip-group 7"], ["exit"]])("by a prompt alone (%s) nothing more of the script is typed", async (line) => {
    const { typed, carry, answerAll } = await open(/^$/, new RegExp(`^${line}$`));
    const done = carry([group("update", 7), group("create", 8)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: line });
    expect(typed).not.toContain("ip-group 8");
  });

  it("an existing row gets back what it had, is left, and nothing else is typed", async () => {
    const { typed, carry, answerAll } = await open(/name "IPG_7"/);
    const done = carry([group("update", 7), group("create", 8)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: 'name "IPG_7"', touched: true });
    expect(typed.slice(4)).toEqual(['tags "old"', 'name "old"', "exit", "exit"]);
  });

  it("a new row is left, and nothing of it is applied on purpose", async () => {
    const { typed, carry, answerAll } = await open(/name "IPG_7"/);
    const done = carry([group("create", 7), group("create", 8)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: 'name "IPG_7"', output: ['name "IPG_7":', "Refused"] });
    expect(typed.slice(4)).toEqual(["exit", "exit"]);
  });

  it("of a row's header, what was typed for it is not applied", async () => {
    const { typed, carry, answerAll } = await open(/^ip-group 7$/);
    const done = carry([group("update", 7)]);
    await answerAll();
    expect(await done).toMatchObject({ refused: "ip-group 7" });
    expect(typed.slice(4)).toEqual(["exit"]);
  });
});

describe("the dialect of a shell", () => {
  it("of 6.6 sets parameters with set", async () => {
    const { typed, carry, answerAll } = await open();
    const done = carry([group("create", 7)], {}, shell6);
    await answerAll();
    expect(await done).toMatchObject({ refused: undefined });
    expect(typed).toEqual([
      "configure voip",
      "ip-group 7",
      'set tags "T=7"',
      'set name "IPG_7"',
      "activate",
      "exit",
      "exit",
    ]);
  });

  it.each([
    ["6.60A.342.003", undefined, shell6],
    ["7.00A.049.003", undefined, shell7],
    ["7.40A.250.440", undefined, shell7],
    ["unknown", undefined, shell7],
    ["7.40A.250.440", "shell-6", shell6],
    ["7.40A.250.440", "shell-9", undefined],
  ])("of firmware %s with the setting %s", (firmware, name, dialect) => {
    expect(shellDialectOf(firmware, name)).toBe(dialect);
  });
});
