import type { DeviceSettings } from "./config-schema.ts";

type Reached = Pick<DeviceSettings, "driver" | "address" | "ssh">;

/** Only special schemes have their host names put in one form. */
const parse = (address: string): URL => new URL(address.replace(/^ssh:/, "http:"));

/** Whether an address holds more than scheme, host and port. */
export function saysTooMuch(address: string): boolean {
  const { pathname, username, password, search, hash } = parse(address);
  return pathname !== "/" || `${username}${password}${search}${hash}` !== "";
}

/** One spelling of one address. SSH's port 22 is left out, as 443 is of HTTPS. */
export function tidyAddress(address: string): string {
  if (!address.startsWith("ssh:")) return new URL(address).origin;
  const { hostname } = parse(address);
  const port = sshPort(address);
  return `ssh://${hostname}${port === "22" ? "" : `:${port}`}`;
}

/** Port 80 is the default of the scheme that stands in for SSH's, and so is not told from none. */
function sshPort(address: string): string {
  return /:(\d+)\/?$/.exec(address)?.[1]?.replace(/^0+(?=\d)/, "") ?? "22";
}

/** Where the shell of a device is; undefined where its driver uses none. */
export function shellAddress({ driver, address, ssh }: Reached): string | undefined {
  if (driver === "rest") return undefined;
  if (driver === "ssh") return tidyAddress(address);
  return tidyAddress(ssh?.address ?? `ssh://${new URL(address).hostname}`);
}

/** All doors of one device, as host and port; the usual ports of HTTP, HTTPS and SSH stand for one. */
export function placesOf(device: Reached): string[] {
  const addresses = [tidyAddress(device.address), shellAddress(device) ?? device.address];
  const places = addresses.map((address) => {
    const { hostname, port } = parse(address);
    return `${hostname}${port === "" || port === "443" ? "" : `:${port}`}`;
  });
  return [...new Set(places)];
}
