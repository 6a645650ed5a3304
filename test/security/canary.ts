import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** A secret that stands nowhere else, made of two halves so that one which was cut is found as well. */
export interface Canary {
  /** What it is the secret of. */
  name: string;
  /** The secret itself, with characters that JSON and URLs escape. */
  value: string;
  halves: readonly string[];
}

export function plantCanary(name: string, around: { before?: string; after?: string } = {}): Canary {
  const halves = [randomBytes(8).toString("hex"), randomBytes(8).toString("hex")];
  return { name, value: `${around.before ?? ""}${halves.join("")}${around.after ?? ""}`, halves };
}

/** For secrets that are made elsewhere. */
export function canaryOf(name: string, value: string): Canary {
  const middle = Math.floor(value.length / 2);
  return { name, value, halves: [value.slice(0, middle), value.slice(middle)] };
}

/** What base64 makes of a text wherever it begins in what is encoded, without the characters that its neighbours shape. */
function base64Forms(half: string): string[] {
  const bytes = Buffer.from(half, "latin1");
  return [0, 1, 2].map((shift) => {
    const first = (3 - shift) % 3;
    const whole = bytes.length - first;
    return bytes.subarray(first, first + whole - (whole % 3)).toString("base64");
  });
}

/** Halves have neither quotes nor signs, so as they are they stand in JSON and in URLs as well. */
function formsOf({ halves }: Canary): string[] {
  return halves.flatMap((half) => [
    half,
    ...base64Forms(half).flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]),
    Buffer.from(half, "latin1").toString("hex"),
  ]);
}

/** Which canaries stand in a text or in bytes, in whatever form, with what is around them. */
export function findCanaries(canaries: readonly Canary[], where: string | Buffer): string[] {
  const text = typeof where === "string" ? Buffer.from(where, "utf8").toString("latin1") : where.toString("latin1");
  const folded = text.toLowerCase();
  return canaries.flatMap((canary) =>
    formsOf(canary).flatMap((form) => {
      const at = form === form.toLowerCase() ? folded.indexOf(form) : text.indexOf(form);
      return at === -1 ? [] : [`${canary.name}: ${JSON.stringify(text.slice(Math.max(0, at - 80), at + 60))}`];
    }),
  );
}

/** Every file below a folder, with its bytes. */
export function filesBelow(folder: string): { path: string; file: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(folder, file), file, bytes: readFileSync(file) }));
}
