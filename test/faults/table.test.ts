import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const table = readFileSync(new URL("README.md", import.meta.url), "utf8");

interface Row {
  id: string;
  invariants: string;
  tests: { file: string; sentence: string }[];
}

const rows = table
  .split("\n")
  .filter((line) => /^\| F\d/.test(line))
  .map((line): Row => {
    const [, id = "", , , invariants = "", tests = ""] = line.split("|").map((cell) => cell.trim());
    const named = [...tests.matchAll(/`([^`]+)`: “([^”]+)”/g)].map(([, file = "", sentence = ""]) => ({
      file,
      sentence,
    }));
    expect(named, id).toHaveLength(tests.split("<br>").length);
    return { id, invariants, tests: named };
  });

describe("the table of faults", () => {
  it("has each fault of the catalogue once", () => {
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 46 }, (_, i) => `F${i + 1}`));
  });

  it.each(rows)("names invariants and tests of $id that are there", ({ invariants, tests }) => {
    expect(invariants).toMatch(/^I\d+(-I\d+)?(, I\d+(-I\d+)?)*$/);
    expect(tests).not.toEqual([]);
    const isThere = ({ file, sentence }: Row["tests"][number]): boolean =>
      existsSync(`${root}${file}`) && readFileSync(`${root}${file}`, "utf8").includes(sentence);
    expect(tests.filter((test) => !isThere(test))).toEqual([]);
  });
});
