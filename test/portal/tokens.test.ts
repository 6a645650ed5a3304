import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTokens, ensureAdminToken } from "../../agent/tokens.ts";

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-tokens-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "data");
}

describe("tokens", () => {
  const agent = { devices: new Set(["sbc-1"]), gateways: new Set(["OC1.Example.com"]) };
  const tokens = createTokens([
    { name: "portal", scopes: ["client"], token: "one" },
    { name: "noc", scopes: ["read", "operate"], token: "two" },
    { name: "root", scopes: ["admin"], token: "three" },
    { name: "ams", scopes: ["agent"], token: "four", agent },
  ]);

  it("tell who calls", () => {
    expect(tokens.identify("two")?.name).toBe("noc");
    for (const wrong of ["", "tw", "two ", "TWO", "twoo"]) expect(tokens.identify(wrong)).toBeUndefined();
  });

  it("may what their scopes say, and admin all that is not an agent's", () => {
    expect(tokens.identify("one")?.may(["client"])).toBe(true);
    expect(tokens.identify("one")?.may(["read", "operate", "agent", "admin"])).toBe(false);
    expect(tokens.identify("two")?.may(["read"])).toBe(true);
    expect(tokens.identify("two")?.may(["admin"])).toBe(false);
    for (const scope of ["client", "read", "operate", "admin"] as const)
      expect(tokens.identify("three")?.may([scope])).toBe(true);
    expect(tokens.identify("three")?.may(["agent"])).toBe(false);
    expect(tokens.identify("four")?.may(["agent"])).toBe(true);
    expect(tokens.identify("four")?.may(["client", "read", "operate", "admin"])).toBe(false);
  });

  it("of agents, and no others, are bound to devices and gateways, in lower case", () => {
    expect(tokens.identify("four")?.agent).toEqual({ ...agent, gateways: new Set(["oc1.example.com"]) });
    for (const other of ["one", "two", "three"]) expect(tokens.identify(other)?.agent).toBeUndefined();
  });

  it.each([
    ["agent without a binding", { scopes: ["agent"] }],
    ["a binding without the scope agent", { scopes: ["read"], agent }],
    ["agent beside another scope", { scopes: ["agent", "read"], agent }],
    ["agent beside admin", { scopes: ["agent", "admin"], agent }],
  ] as const)("with %s are refused by name", (_what, settings) => {
    expect(() => createTokens([{ name: "odd", token: "five-value", ...settings }])).toThrow(/'odd'/);
    expect(() => createTokens([{ name: "odd", token: "five-value", ...settings }])).not.toThrow(/five-value/);
  });

  it("of one value under two names are refused, naming both and not the value", () => {
    const make = () =>
      createTokens([
        { name: "a", scopes: ["read"], token: "same-value" },
        { name: "b", scopes: ["admin"], token: "same-value" },
      ]);
    expect(make).toThrow(/'a' and 'b'/);
    expect(make).not.toThrow(/same-value/);
  });
});

describe("the admin token", () => {
  it("is made once, with 256 bits, for its owner alone", () => {
    const folder = makeFolder();
    const token = ensureAdminToken(folder);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(statSync(join(folder, "admin.token")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "admin.token"), "utf8").trim()).toBe(token);
    expect(ensureAdminToken(folder)).toBe(token);
    expect(ensureAdminToken(makeFolder())).not.toBe(token);
  });

  it("is made although a crash left a part of one behind", () => {
    const folder = makeFolder();
    ensureAdminToken(folder);
    rmSync(join(folder, "admin.token"));
    writeFileSync(join(folder, "admin.token.new"), "half");
    expect(ensureAdminToken(folder)).toMatch(/^[\w-]{43}$/);
  });

  it.each([0o640, 0o604, 0o660])("is refused from a file of mode %o", (mode) => {
    const folder = makeFolder();
    const token = ensureAdminToken(folder);
    chmodSync(join(folder, "admin.token"), mode);
    expect(() => ensureAdminToken(folder)).toThrow(/admin\.token .*others can read/);
    expect(() => ensureAdminToken(folder)).not.toThrow(token);
  });

  it.each(["", "short", `${"x".repeat(43)} and more`])("is refused from a file that holds %j", (content) => {
    const folder = makeFolder();
    ensureAdminToken(folder);
    writeFileSync(join(folder, "admin.token"), content);
    expect(() => ensureAdminToken(folder)).toThrow(/does not hold an admin token/);
  });
});
