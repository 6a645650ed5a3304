import { isAbsolute, relative, resolve } from "node:path";
import type { AgentConfig } from "./config-schema.ts";
import { placesOf, saysTooMuch } from "./device-address.ts";
import { placeholdersOf } from "../ovoc/templates.ts";

function isInside(folder: string, file: string): boolean {
  const path = relative(resolve(folder), resolve(file));
  return !path.startsWith("..") && !isAbsolute(path);
}

function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[?::1\]?|localhost)$/.test(host);
}

/** Checks what the schema alone cannot: names used twice, and bindings that would expose the API. */
export function crossFaults(config: AgentConfig): string[] {
  const faults: string[] = [];
  const once = (what: string, values: readonly string[]) => {
    for (const value of new Set(values.filter((v, i) => values.indexOf(v) !== i)))
      faults.push(`${what}: '${value}' stands more than once`);
  };
  once(
    "devices.name",
    config.devices.map((d) => d.name),
  );
  once("devices.address", config.devices.flatMap(placesOf));
  once(
    "devices.gateways",
    config.devices.flatMap((d) => d.gateways),
  );
  once(
    "carriers.name",
    config.carriers.map((c) => c.name.toLowerCase()),
  );
  once(
    "portal.tokens.name, agents.name",
    [...config.portal.tokens, ...config.agents].map((t) => t.name),
  );
  const loopback = isLoopback(config.portal.host);
  if (!loopback && config.portal.tls === undefined && !config.portal.behindProxy)
    faults.push(
      `portal.host: '${config.portal.host}' is not loopback: give portal.tls, or set portal.behindProxy: true where a TLS proxy stands in front`,
    );
  if ("file" in config.sealKey && isInside(config.dataDir, config.sealKey.file))
    faults.push("sealKey.file: must lie outside dataDir, or whoever has a copy of the data has the key as well");
  // Agents are heard of at the end of each poll, which a portal may hold for half a minute.
  if (config.portal.gatewayWait < 60_000) faults.push("portal.gatewayWait: must be at least 1m");
  const longestWriteMs = Math.max(config.run.writeDeadlineMs, config.run.saveMs);
  if (config.run.leaseMs < 2 * longestWriteMs)
    faults.push(`run.leaseMs: must be at least twice run.writeDeadlineMs and run.saveMs (${2 * longestWriteMs} ms)`);
  for (const [i, d] of config.devices.entries()) {
    if ((d.trust === "plaintext") !== d.address.startsWith("http:"))
      faults.push(`devices.${i}.trust: plaintext goes with an http:// address and with no other`);
    if (saysTooMuch(d.address)) faults.push(`devices.${i}.address: only scheme, host and port`);
    if (d.ssh?.address !== undefined && saysTooMuch(d.ssh.address))
      faults.push(`devices.${i}.ssh.address: only scheme, host and port`);
  }
  const { ovoc } = config;
  if (ovoc?.url.startsWith("http:") === true && !ovoc.plaintext && !isLoopback(new URL(ovoc.url).hostname))
    faults.push("ovoc.url: http:// sends the password or token in clear: use https://, or set ovoc.plaintext: true");
  return faults;
}

/**
 * What is started with a configuration: portal and agent in one process, the portal alone, or an agent whose portal is
 * elsewhere.
 */
export type Role = "embedded" | "portal" | "agent";

/** The role that a configuration seems to be written for. */
export function likelyRole({ agents, devices, source }: AgentConfig): Role {
  if (agents.length > 0 && devices.length === 0) return "portal";
  return source.url === undefined ? "embedded" : "agent";
}

/** Where no device is near, its address is not known either: OVOC cannot be asked for the device by it. */
function linkFaults({ agents, ovoc }: AgentConfig): string[] {
  if (ovoc?.links !== true || !placeholdersOf(ovoc.linkBody).includes("deviceId")) return [];
  const unnamed = agents.flatMap(({ devices }) => devices).filter((name) => ovoc.devices[name] === undefined);
  return [...new Set(unnamed)].map(
    (name) => `ovoc.devices: does not name ${name}, whose address a portal does not know: give its id or name in OVOC`,
  );
}

/** What a role lacks, or has that it must not have. */
export function roleFaults(config: AgentConfig, role: Role): string[] {
  if (role === "portal")
    return [
      ...(config.agents.length > 0
        ? []
        : ["agents: is empty: name at least one agent with its token, devices and gateways"]),
      ...(config.portal.tls !== undefined || config.portal.behindProxy
        ? []
        : [
            "portal.tls: is missing: agents pull over HTTPS only; or set portal.behindProxy: true where a TLS proxy stands in front",
          ]),
      ...(config.devices.length === 0
        ? []
        : ["devices: a portal works on none: move them to the agent near them, or use 'sbc-agent run'"]),
      ...linkFaults(config),
    ];
  return [
    ...(config.devices.length > 0 ? [] : ["devices: is empty: name at least one"]),
    ...(role === "agent" || config.agents.length === 0
      ? []
      : ["agents: nobody pulls from 'sbc-agent run': use 'sbc-agent portal', or take them out"]),
    ...(role === "embedded" || config.source.url !== undefined
      ? []
      : ["source.url: is missing: where to pull conversions from; or pass --portal URL"]),
  ];
}
