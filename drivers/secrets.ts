import type { DeviceStatus } from "./driver.ts";
import { mask } from "./mediant/render.ts";

/** The secrets of one driver: what must be struck out of every text that leaves it. */
export interface Secrets {
  /** Adds a value that must never be seen from now on. Empty values are ignored. */
  add: (value: string) => void;
  /** The text with every secret replaced by the mask, also where it is JSON- or URL-escaped. */
  strike: (text: string) => string;
}

export function openSecrets(): Secrets {
  const spellings = new Set<string>();
  let longestFirst: readonly string[] = [];
  return {
    add: (value) => {
      if (value === "") return;
      spellings.add(value);
      spellings.add(JSON.stringify(value).slice(1, -1));
      spellings.add(encodeURIComponent(Buffer.from(value, "utf8").toString("utf8")));
      longestFirst = [...spellings].sort((one, other) => other.length - one.length);
    },
    strike: (text) => longestFirst.reduce((struck, secret) => struck.replaceAll(secret, () => mask), text),
  };
}

/** What a device says of itself, should it say what it was told. */
export function strikeStatus(status: DeviceStatus, strike: Secrets["strike"]): DeviceStatus {
  const { firmware, product, serialNumber } = status;
  return { ...status, firmware: strike(firmware), product: strike(product), serialNumber: strike(serialNumber) };
}
