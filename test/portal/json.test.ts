import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { findJsonFault } from "../../agent/portal/json.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

describe("a JSON text", () => {
  it("that lacks a comma is refused in Live Platform's words", () => {
    expect(findJsonFault('{\n  "tenantId": "f79a"\n  "companyName": "x"\n}')).toEqual({
      path: "tenantId",
      message: `After parsing a value an unexpected character was encountered: ". Path 'tenantId', line 3, position 2.`,
    });
  });

  it.each([
    ["", "Unexpected end when reading JSON. Path '', line 1, position 0."],
    ['{"a":', "Unexpected end when reading JSON. Path 'a', line 1, position 5."],
    ['{"a":x}', "Unexpected character encountered while parsing value: x. Path 'a', line 1, position 5."],
    ["{a:1}", "Invalid property identifier character: a. Path '', line 1, position 1."],
    ['{"a":1,}', "Invalid property identifier character: }. Path 'a', line 1, position 7."],
    [
      '{"a" 1}',
      "Invalid character after parsing property name. Expected ':' but got: 1. Path 'a', line 1, position 5.",
    ],
    [
      '{"a":[1,{"b":2}]}x',
      "Additional text encountered after finished reading JSON content: x. Path '', line 1, position 17.",
    ],
    [
      '{"a":[0,{"b":nul}]}',
      "Unexpected character encountered while parsing value: n. Path 'a[1].b', line 1, position 13.",
    ],
    ['["\\x"]', "Unterminated string, bad escape or control character in a string. Path '[0]', line 1, position 1."],
  ])("%s is refused with its place", (text, message) => {
    expect(findJsonFault(text)?.message).toBe(message);
  });

  it.each([
    ["at the top", '{"a":1,"a":1}', "a"],
    ["deep inside", '{"x":[{"b":{"a":1,"c":2,"a":3}}]}', "x[0].b.a"],
    ["in another escape", '{"a":1,"\\u0061":2}', "a"],
  ])("with a name that stands twice %s is refused", (_where, text, path) => {
    expect(findJsonFault(text)).toMatchObject({
      path,
      message: expect.stringContaining("stands more than once") as string,
    });
  });

  it("may use one name in two objects, and names in two cases", () => {
    expect(findJsonFault('{"a":{"a":1},"b":[{"a":1},{"a":2}],"A":3}')).toBeUndefined();
  });

  it("nested 32 levels deep is taken, one level more is refused", () => {
    expect(findJsonFault("[".repeat(32) + "]".repeat(32))).toBeUndefined();
    expect(findJsonFault("[".repeat(33) + "]".repeat(33))?.message).toContain("Nested deeper than 32 levels");
  });

  it("does not lend its values to the message", () => {
    expect(JSON.stringify(findJsonFault('{"CarrierUserPassword":"canary" "b":1}'))).not.toContain("canary");
    expect(JSON.stringify(findJsonFault('{"CarrierUserPassword":"canary'))).not.toContain("canary");
  });

  test.prop([fc.json({ maxDepth: 8 })])("made by a serializer is taken", (text) => {
    expect(findJsonFault(text)).toBeUndefined();
  });

  const fragment = fc.constantFrom(
    ...Array.from("{}[]:,\"\\ \n\t0123456789.-+eEtrufalsn/*'"),
    '"a"',
    '"\\u0061"',
    "true",
    "null",
    "-1.5e3",
    "\u0000",
    "\u0080",
    "\u2028",
    "\ud800",
    "é",
  );
  test.prop([fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(""))], { numRuns: 20_000 })(
    "is refused if JSON.parse refuses it, and otherwise only for a repeated name",
    (text) => {
      const fault = findJsonFault(text);
      if (!isJson(text)) expect(fault).toBeDefined();
      else if (fault !== undefined) expect(fault.message).toContain("stands more than once");
    },
  );
});
