import { PutOff } from "./outcome.ts";

/**
 * Remembers which device of the inventory showed which serial number. Two names for one device would be two writers on
 * it: whoever comes second throws PutOff. What tells no serial number is let through.
 */
export function watchSerials(): (device: string, serialNumber: string) => void {
  const devices = new Map<string, string>();
  return (device, serialNumber) => {
    if (serialNumber === "unknown" || serialNumber === "") return;
    const other = devices.get(serialNumber);
    if (other !== undefined && other !== device)
      throw new PutOff(
        "identity",
        `${device} and ${other} are one device (serial number ${serialNumber}): keep one of them in the inventory`,
        { needsHuman: true },
      );
    devices.set(serialNumber, device);
  };
}
