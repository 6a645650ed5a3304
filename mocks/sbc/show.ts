import type { Token } from "./cli-line.ts";
import { pickWord } from "./cli-line.ts";
import type { CliSession } from "./cli-session.ts";
import type { Table } from "./columns.ts";
import type { Configuration } from "./configuration.ts";
import { cellOf, childrenOf, rowsOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import { shellLine } from "./faults.ts";
import { describeVersion } from "./ini-header.ts";
import { printIniLines } from "./print-ini.ts";
import { printRunningConfig, roots } from "./print-running-config.ts";
import type { Root } from "./print-running-config.ts";
import { systemShows } from "./show-system.ts";
import type { Row } from "./table-rows.ts";
import { findColumn, tableNamed } from "./tables.ts";

type Show = (device: Device, rest: readonly Token[], session: CliSession | undefined) => string[] | undefined;

const shows: readonly { readonly words: readonly string[]; readonly show: Show }[] = [
  { words: ["running-config"], show: showRunningConfig },
  { words: ["ini-file"], show: (device) => printIniLines(device.look(), device.identity) },
  { words: ["system", "version"], show: showVersion },
  { words: ["voip", "proxy", "sets", "status"], show: showProxySets },
  { words: ["users"], show: (_device, rest, session) => (rest.length > 0 ? undefined : session?.listSessions()) },
  ...systemShows.map(({ words, lines }) => ({
    words,
    show: (device: Device, rest: readonly Token[]) => (rest.length > 0 ? undefined : lines(device)),
  })),
];

/** What `show <words>` prints, as lines; undefined for words that mean nothing. */
export function show(device: Device, tokens: readonly Token[], session?: CliSession): string[] | undefined {
  let candidates = shows;
  let depth = 0;
  for (const token of tokens) {
    const complete = candidates.find(({ words }) => words.length === depth);
    if (complete !== undefined) break;
    const word = pickWord(
      token,
      candidates.map(({ words }) => words[depth] ?? ""),
    );
    if (word === undefined) return undefined;
    candidates = candidates.filter(({ words }) => words[depth] === word);
    depth += 1;
  }
  return candidates.find(({ words }) => words.length === depth)?.show(device, tokens.slice(depth), session);
}

function showRunningConfig(device: Device, rest: readonly Token[], session?: CliSession): string[] | undefined {
  let full = false;
  let section: Root | undefined;
  for (const token of rest) {
    const word = pickWord(token, ["full", ...roots]);
    if (word === undefined) return undefined;
    if (word === "full") full = true;
    else section = roots.find((root) => root === word);
  }
  const options = { name: device.identity.name, full, ...(section === undefined ? {} : { section }) };
  const text = printRunningConfig(device.look(), options);
  const fault =
    session === undefined ? undefined : device.faults.take("truncate-read", shellLine("show running-config"));
  if (fault !== undefined) return ["", ...text.slice(0, fault.bytes ?? Math.floor(text.length / 2)).split("\r\n")];
  // The last of the three blank lines is the one before the prompt.
  return ["", ...text.split("\r\n").slice(0, -2)];
}

function showVersion(device: Device, rest: readonly Token[]): string[] | undefined {
  if (rest.length > 0) return undefined;
  return ["", "Version info:", "--------------", ...describeVersion(device.running, device.identity)];
}

/** No verbatim sample is known: title, header and spacing are inferred. */
function showProxySets(device: Device, rest: readonly Token[]): string[] | undefined {
  if (rest.length > 0) return undefined;
  const configuration = device.look();
  return [
    ...device.settings.proxyStatusHeader,
    ...rowsOf(configuration, tableNamed("ProxySet")).flatMap((row) => describeProxySet(configuration, row)),
  ];
}

function describeProxySet(configuration: Configuration, row: Row): string[] {
  const proxyIp = tableNamed("ProxyIp");
  const proxySet = tableNamed("ProxySet");
  const cell = (of: Row, table: Table, name: string): string => {
    const column = findColumn(table, name);
    return column === undefined ? "" : cellOf(of, column);
  };
  const isBalanced = cell(row, proxySet, "ProxyLoadBalancingMethod") !== "0";
  const isParking = cell(row, proxySet, "ProxyRedundancyMode") === "0";
  const mode = isBalanced ? "Load Balancing" : isParking ? "Parking" : "Homing";
  const isKeptAlive = cell(row, proxySet, "EnableProxyKeepAlive") !== "0";
  const name = cell(row, proxySet, "ProxyName");
  const addresses = childrenOf(configuration, proxyIp, row.index);
  const status = addresses.length === 0 ? "NOT RESOLVED" : row.active ? "ONLINE" : "OFFLINE";
  return [
    `  ${row.index}  ${name}  ${mode}  ${isKeptAlive ? "Enabled" : "Disabled"}  ${status}`,
    ...addresses.map((inside) => {
      const address = cell(inside, proxyIp, "IpAddress");
      const host = address.replace(/:\d+$/, "");
      const priority = cell(inside, proxyIp, "Priority");
      return `      ${address}(${host})  ${priority}  ${cell(inside, proxyIp, "Weight")}  0  0  ${status}`;
    }),
  ];
}
