import type { Device } from "./device.ts";

/** Outputs without arguments besides the configuration and its state: words, and the lines that they print. */
export const statusShows: readonly {
  readonly words: readonly string[];
  readonly lines: (device: Device) => string[];
}[] = [
  { words: ["system", "uptime"], lines: describeUptime },
  {
    words: ["system", "utilization"],
    lines: () => ["CPUs utilization: Data  0%   Voice  3%", "CPUs Used Memory: Data  0%   Voice 41%"],
  },
  { words: ["system", "cpu-util"], lines: () => ["Voice CPU utilization 3%"] },
  { words: ["system", "alarms"], lines: describeAlarms },
  { words: ["system", "assembly"], lines: describeAssembly },
  { words: ["voip", "calls", "active", "sbc"], lines: () => ["Total Active Calls: 0"] },
  {
    words: ["voip", "calls", "history", "sbc"],
    lines: () => [
      "|end time|type|ip group|caller|callee|direction|remote ip|duration|reason|session id",
      "-----------------------------------------------------------------------------------",
    ],
  },
  { words: ["voip", "calls", "statistics", "sbc"], lines: () => callCounters.map((counter) => `${counter}: 0`) },
  { words: ["network", "interface"], lines: describeInterface },
];

const callCounters = [
  "Call attempts",
  "Established calls",
  "Calls terminated due to busy line",
  "Calls terminated due to no answer",
  "Calls terminated due to resource allocation failure",
  "Calls terminated due to media negotiation failure",
  "Calls abnormally terminated",
];

function describeUptime(device: Device): string[] {
  const { days, hours, minutes, seconds } = splitTime(device.uptimeMs);
  return [`Uptime: ${days} days, ${hours} hours, ${minutes} minutes, ${seconds} seconds`];
}

function splitTime(ms: number): { days: number; hours: number; minutes: number; seconds: number } {
  const all = Math.max(0, Math.floor(ms / 1000));
  return {
    days: Math.floor(all / 86_400),
    hours: Math.floor(all / 3_600) % 24,
    minutes: Math.floor(all / 60) % 60,
    seconds: all % 60,
  };
}

function describeAlarms({ alarms }: Device): string[] {
  return alarms.active.map(({ source, severity, date, description }, position) => {
    const [day = "", time = ""] = date.split("T");
    const clock = time.slice(0, 8);
    return `${position + 1} ${source} ${severity} ${day.split("-").reverse().join(".")} , ${clock} ${description}`;
  });
}

function describeAssembly(): string[] {
  return [
    "Board Assembly Info:",
    "",
    "| Slot No. | Ports | Module Type |",
    "|    1     |   0   |    Empty    |",
    "|    2     |   0   |    Empty    |",
  ];
}

function describeInterface(device: Device): string[] {
  const { macAddress, ipAddress } = device.identity;
  const { days, hours, minutes, seconds } = splitTime(device.uptimeMs);
  return [
    "  Name: O+M+C",
    "  Vlan ID: 1",
    `  Hardware address is: ${macAddress.match(/../g)?.join("-") ?? ""}`,
    `  IP address: ${ipAddress}/24`,
    `  Uptime: ${days} days, ${hours} hours, ${minutes} minutes, ${seconds} seconds`,
  ];
}
