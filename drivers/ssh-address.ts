import { DriverError } from "./errors.ts";

/** Where a device's SSH server listens. */
export interface SshTarget {
  /** For messages: the device's name, or its address where it has none yet. */
  device: string;
  host: string;
  port: number;
}

/** Takes `ssh://host[:port]` apart. Throws DriverError `unsupported` for anything else, credentials and paths included. */
export function parseSshAddress(device: string, address: string): SshTarget {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.protocol !== "ssh:" || url.hostname === "")
    throw new DriverError("unsupported", `${device}: its address is not of the form ssh://host[:port]`);
  if (url.username !== "" || url.password !== "" || !/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw new DriverError("unsupported", `${device}: its address may hold nothing but ssh://host[:port]`);
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  return { device, host, port: url.port === "" ? 22 : Number(url.port) };
}
