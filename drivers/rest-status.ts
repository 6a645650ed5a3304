import type { DeviceStatus, Known } from "./driver.ts";

/** Reads the answer of `GET /status`. Every field may be missing or quoted (device REST guide, Status). */
export function parseStatus(answer: Readonly<Record<string, unknown>>): DeviceStatus {
  const text = (key: string): Known<string> => {
    const value = answer[key];
    if (typeof value === "number") return String(value);
    return typeof value === "string" && value.trim() !== "" ? value.trim() : "unknown";
  };
  return {
    firmware: text("versionID"),
    product: text("productType"),
    serialNumber: text("serialNumber"),
    saveNeeded: flag(answer["saveNeeded"]),
    resetNeeded: flag(answer["resetNeeded"]),
    locked: oneOf(text("operationalState"), "locked", "unlocked"),
    highAvailability: oneOf(text("highAvailability"), "operational", "not operational"),
    upgrading: upgrading([text("upgradeStatus"), text("mcUpgradeStatus")]),
    upTime: upTime(answer["systemUpTime"]),
  };
}

function flag(value: unknown): Known<boolean> {
  if (typeof value === "boolean") return value;
  if (value === "true") return true;
  return value === "false" ? false : "unknown";
}

function oneOf(value: Known<string>, yes: string, no: string): Known<boolean> {
  const word = value.toLowerCase();
  if (word === yes) return true;
  return word === no ? false : "unknown";
}

/** Anything but `None` counts as an upgrade. */
function upgrading(states: readonly Known<string>[]): Known<boolean> {
  const known = states.filter((state) => state !== "unknown").map((state) => state.toLowerCase());
  if (known.some((state) => state !== "none")) return true;
  return known.length === 0 ? "unknown" : false;
}

function upTime(value: unknown): Known<number> {
  const number = typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : "unknown";
}
