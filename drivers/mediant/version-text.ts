import type { DeviceStatus, Known } from "../driver.ts";
import { DriverError } from "../errors.ts";

/**
 * Reads `show system version`: lines of `;Key: value`, of which any may be missing or empty (device CLI guide). A shell
 * does not tell what only the REST status shows. Throws DriverError `protocol` for a text that is something else.
 */
export function parseVersion(lines: readonly string[]): DeviceStatus {
  const values = new Map<string, string>();
  for (const line of lines) {
    const text = line.trim().replace(/^;+/, "");
    const colon = text.indexOf(":");
    if (colon === -1) continue;
    const key = text.slice(0, colon).trim().toLowerCase();
    // The key features repeat the name of the board further down.
    if (!values.has(key)) values.set(key, text.slice(colon + 1).trim());
  }
  const known = (key: string): Known<string> => {
    const value = values.get(key);
    return value === undefined || value === "" ? "unknown" : value;
  };
  if (!["software version", "serial number", "board"].some((key) => values.has(key)))
    throw new DriverError(
      "protocol",
      `"show system version" told no version: ${JSON.stringify(lines.join("\n").slice(0, 200))}`,
    );
  return {
    firmware: known("software version"),
    product: known("board"),
    serialNumber: known("serial number"),
    saveNeeded: "unknown",
    resetNeeded: "unknown",
    locked: "unknown",
    highAvailability: "unknown",
    upgrading: "unknown",
    upTime: "unknown",
  };
}
