import { expect, it } from "vitest";
import { parseVersion } from "../../../drivers/mediant/version-text.ts";

it("takes what is there of a version text", () => {
  const lines = ["Version info:", "--------------", ";Board: Mediant SW", ";Software Version: 7.20A.201.357"];
  expect(parseVersion(lines)).toMatchObject({
    product: "Mediant SW",
    firmware: "7.20A.201.357",
    serialNumber: "unknown",
  });
});

it("takes an empty value for one that is not told", () => {
  expect(parseVersion([";Board: Mediant SW", ";Serial Number: "])).toMatchObject({ serialNumber: "unknown" });
});

it.each([[[]], [["% Invalid command"]], [["Version info:", "Uptime: 3 days"]]])(
  "does not take %j for a device without a version",
  (lines: string[]) => {
    expect(() => parseVersion(lines)).toThrow('"show system version" told no version');
  },
);
