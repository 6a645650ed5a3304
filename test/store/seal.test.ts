import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, it as property } from "@fast-check/vitest";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSealKey, openSealer, parseSealKey, readSealKey } from "../../agent/store/seal.ts";

describe("a sealer", () => {
  const key = Buffer.alloc(32, 7);
  const sealer = openSealer(key);

  property.prop([fc.string({ unit: "binary" })])("opens what it sealed, and shows nothing of it", (text) => {
    const sealed = sealer.seal(text);

    expect(sealer.open(sealed)).toBe(Buffer.from(text, "utf8").toString("utf8"));
    if (text.length > 8) expect(sealed).not.toContain(text);
  });

  it("seals the same text differently every time", () => {
    expect(sealer.seal("open sesame")).not.toBe(sealer.seal("open sesame"));
  });

  it("opens what another sealer with the same key sealed", () => {
    expect(openSealer(key).open(sealer.seal("open sesame"))).toBe("open sesame");
  });

  it("opens nothing that was sealed with another key", () => {
    const sealed = openSealer(randomBytes(32)).seal("open sesame");

    expect(() => sealer.open(sealed)).toThrow("sealed with another key");
  });

  it("opens nothing that was changed, wherever that was", () => {
    const sealed = Buffer.from(sealer.seal("open sesame").slice(3), "base64url");
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => sealer.open(`s1.${changed.toString("base64url")}`)).toThrow("changed since");
    }
  });

  it.each(["", "s1.", "open sesame", `s2.${"A".repeat(80)}`, "s1.AAAA"])(
    "opens nothing that is not sealed: %s",
    (text) => {
      expect(() => sealer.open(text)).toThrow("damaged or was not sealed here");
    },
  );

  it("opens nothing whose tag was cut short", () => {
    const sealed = sealer.seal("");

    expect(() => sealer.open(sealed.slice(0, -4))).toThrow();
  });

  it("hashes equal texts equally and others differently", () => {
    expect(sealer.hash("a")).toBe(openSealer(key).hash("a"));
    expect(sealer.hash("a")).not.toBe(sealer.hash("b"));
  });

  it("hashes and opens as it always did: what is stored stays comparable and readable", () => {
    const sealed = "s1.7V6lUjNXViWgX7L5HBjmBJwr3qAomqLcumlIgcG8SRNwSPTnozJW";

    expect(sealer.open(sealed)).toBe("open sesame");
    expect(sealer.hash("open sesame")).toBe("XLPidkEEZPJWWNavrutbiCUtSduko-ECy2m3U5frWLI");
  });

  it("hashes differently with another key", () => {
    expect(sealer.hash("a")).not.toBe(openSealer(randomBytes(32)).hash("a"));
  });

  it("signs as it always did, and not as it hashes", () => {
    expect(sealer.sign("open sesame")).toBe("62972a352653a7154d46e131a588f83c387a995295ffb6fc3aa077976eca6eda");
    expect(sealer.sign("a")).not.toBe(Buffer.from(sealer.hash("a"), "base64url").toString("hex"));
  });

  it.each([0, 16, 31, 33])("takes no key of %i bytes", (length) => {
    expect(() => openSealer(Buffer.alloc(length))).toThrow(`32 bytes, not ${length}`);
  });
});

describe("a seal key", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "seal-"));
    file = join(folder, "seal.key");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is created for its owner alone and read back", () => {
    const key = createSealKey(file);

    expect(key).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readSealKey(file)).toEqual(key);
  });

  it("is drawn anew every time", () => {
    expect(createSealKey(file)).not.toEqual(createSealKey(join(folder, "other.key")));
  });

  it("is never overwritten", () => {
    const key = createSealKey(file);

    expect(() => createSealKey(file)).toThrow(`cannot create seal key ${file}`);
    expect(readSealKey(file)).toEqual(key);
  });

  it.each([0o640, 0o604, 0o660, 0o610])("is refused when others may use it: mode %o", (mode) => {
    createSealKey(file);
    chmodSync(file, mode);

    expect(() => readSealKey(file)).toThrow(`${file} has mode ${mode.toString(8)}: others can use it; chmod 600 it`);
  });

  it("is read from a file that not even its owner may write", () => {
    const key = createSealKey(file);
    chmodSync(file, 0o400);

    expect(readSealKey(file)).toEqual(key);
  });

  it.each([
    ["too short", randomBytes(31).toString("base64")],
    ["too long", randomBytes(33).toString("base64")],
    ["empty", ""],
    ["not base64", "?".repeat(44)],
  ])("is refused when it is %s, without showing it", (_, text) => {
    writeFileSync(file, text, { mode: 0o600 });
    const read = () => readSealKey(file);

    expect(read).toThrow(`seal key ${file} does not hold 32 bytes in base64`);
    if (text !== "") expect(read).not.toThrow(text);
  });

  it("is refused by name when it is missing or no file", () => {
    expect(() => readSealKey(file)).toThrow(`cannot read seal key ${file}`);
    mkdirSync(file, { mode: 0o700 });
    expect(() => readSealKey(file)).toThrow(`${file} is not a regular file`);
  });

  it("can be given as text", () => {
    const key = createSealKey(file);

    expect(parseSealKey(readFileSync(file, "utf8"), "credential seal")).toEqual(key);
    expect(() => parseSealKey("short", "credential seal")).toThrow("seal key credential seal does not hold");
  });
});
