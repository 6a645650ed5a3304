import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { logLine } from "../../agent/log.ts";
import { hostileTexts } from "./hostile-texts.ts";

const at = { timestamp: "2026-03-01T10:00:00.000Z", level: "warn", message: "device failed" };

/** Whatever ends a line for some reader, steers a terminal, or hides what stands there. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The fields of a line of text, as somebody reads them who knows the format. */
function fieldsOf(line: string): string[] {
  return line.replace(/^\S+ \w+ +device failed ?/, "").match(/\w+=(?:"(?:[^"\\]|\\.)*"|[^\s"]+)/g) ?? [];
}

describe("rule 7: what somebody else said, in the log,", () => {
  it.each(hostileTexts)("is one field of one line: %j", (text) => {
    for (const format of ["text", "json"] as const) expect(logLine[format]({ ...at, said: text })).not.toMatch(unseen);
    expect(fieldsOf(logLine.text({ ...at, said: text, task: "wst_1" }))).toHaveLength(2);
  });

  test.prop([fc.string({ unit: "binary", maxLength: 60 })], { numRuns: 2_000 })(
    "is one line that gives it back, whatever it is",
    (text) => {
      const line = logLine.json({ ...at, said: text });
      expect(line).not.toMatch(unseen);
      expect(JSON.parse(line)).toEqual({ ...at, said: text });
      const shown = logLine.text({ ...at, said: text, task: "wst_1" });
      expect(shown).not.toMatch(unseen);
      const [said, task, ...more] = fieldsOf(shown);
      expect([task, ...more]).toEqual(["task=wst_1"]);
      const value = said?.slice("said=".length) ?? "";
      expect(value.startsWith('"') ? JSON.parse(value) : value).toBe(text);
    },
  );
});
