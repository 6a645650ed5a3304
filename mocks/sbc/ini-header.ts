import type { Configuration } from "./configuration.ts";
import type { Identity } from "./device.ts";

const template: readonly string[] = [
  ";**************",
  ";** Ini File **",
  ";**************",
  ";Board: ",
  ";Board Type: 73",
  ";Serial Number: ",
  ";Slot Number: 1",
  ";Software Version: ",
  ";DSP Software Version: SOFTDSP => 0.00",
  ";Board IP Address: ",
  ";Ram size: 4096M   Flash size: 0M",
  ";Num of DSP Cores: 0  Num DSP Channels: 0",
  "",
];

/** A field of the comment lines in front of a file, such as `Serial Number`. */
export function fieldOf(header: readonly string[], name: string): string | undefined {
  const start = `;${name}:`;
  return header
    .find((line) => line.startsWith(start))
    ?.slice(start.length)
    .trim();
}

/** Whether a device has written this file; what people write by hand has no such banner. */
export function isExportHeader(header: readonly string[]): boolean {
  return header.some((line) => line.startsWith(";** Ini File **"));
}

/** The lines in front of the file: those of the loaded one, with what the device says of itself now. */
export function describeHeader({ layout }: Configuration, identity: Identity): string[] {
  const own: Readonly<Record<string, string>> = {
    Board: identity.name,
    "Serial Number": identity.serialNumber,
    "Software Version": identity.firmware,
    "Board IP Address": identity.ipAddress,
  };
  const loaded = layout.header.length > 0 ? layout.header : template;
  return loaded.map((line) => {
    const name = /^;([^:]+):/.exec(line)?.[1] ?? "";
    const value = own[name];
    return value === undefined || fieldOf([line], name) === value ? line : `;${name}: ${value}`;
  });
}

/** The block that heads the INI file, as `show system version` prints it. */
export function describeVersion(configuration: Configuration, identity: Identity): string[] {
  return describeHeader(configuration, identity).filter((line) => line !== "" && !line.startsWith(";*"));
}

/** A field of the header of a loaded file. */
export function headerField({ layout }: Configuration, name: string): string | undefined {
  return fieldOf(layout.header, name);
}
