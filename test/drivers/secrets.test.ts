import { describe, expect, it } from "vitest";
import { openSecrets } from "../../drivers/secrets.ts";

describe("striking secrets out", () => {
  it("finds each of them, however often it stands there, and the longer one of two first", () => {
    const secrets = openSecrets();
    secrets.add("abc");
    secrets.add("abcdef");
    expect(secrets.strike("abc abcdef abc")).toBe("******** ******** ********");
  });

  it("finds them in JSON and in URLs", () => {
    const secrets = openSecrets();
    secrets.add('p"a/s s');
    expect(secrets.strike(JSON.stringify({ field: 'p"a/s s' }))).toBe('{"field":"********"}');
    expect(secrets.strike(`https://h/?p=${encodeURIComponent('p"a/s s')}`)).toBe("https://h/?p=********");
  });

  it("takes them literally", () => {
    const secrets = openSecrets();
    secrets.add("$&.*");
    expect(secrets.strike("x$&.*y and anything")).toBe("x********y and anything");
  });

  it("leaves texts alone when a secret is empty", () => {
    const secrets = openSecrets();
    secrets.add("");
    expect(secrets.strike("text")).toBe("text");
  });
});
