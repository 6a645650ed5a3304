import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["agent", "drivers", "mocks"] as const;
/** What the agent may know of the drivers. */
const doors = ["drivers/driver.ts", "drivers/errors.ts", "drivers/index.ts"];

interface Import {
  from: string;
  to: string;
}

const imports = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file): Import[] => {
      const from = join(folder, file);
      const text = readFileSync(join(root, from), "utf8");
      const names = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, name]) => name ?? "");
      return names.map((name) => ({ from, to: relative(root, join(root, dirname(from), name)) }));
    }),
);
const folderOf = (file: string): string => file.split("/")[0] ?? "";
const across = imports.filter(({ from, to }) => folderOf(from) !== folderOf(to));

describe("the house", () => {
  it("has imports to look at", () => expect(imports.length).toBeGreaterThan(100));

  it("lets agent import drivers by its three doors only, and nobody else anybody", () => {
    const wrong = across.filter(({ from, to }) => !(folderOf(from) === "agent" && doors.includes(to)));
    expect(wrong).toEqual([]);
  });

  it("has no import that leads back to where it came from", () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      if (path.includes(file) || done.has(file)) return;
      for (const to of next.get(file) ?? []) walk(to, [...path, file]);
      done.add(file);
    };
    for (const file of next.keys()) walk(file, []);
    expect(cycles).toEqual([]);
  });
});
