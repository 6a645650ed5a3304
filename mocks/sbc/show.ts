import type { Token } from "./cli-line.ts";
import { pickWord } from "./cli-line.ts";
import type { CliContext } from "./cli-context.ts";
import type { Table } from "./columns.ts";
import type { Configuration } from "./configuration.ts";
import { cellOf, childrenOf, rowsOf } from "./configuration.ts";
import { shellLine } from "./faults.ts";
import { describeVersion } from "./ini-header.ts";
import { printIniLines } from "./print-ini.ts";
import { printRunningConfig, roots } from "./print-running-config.ts";
import type { Root } from "./print-running-config.ts";
import { statusShows } from "./show-status.ts";
import type { Row } from "./table-rows.ts";
import { findColumn, tableNamed } from "./tables.ts";

/** What is printed; `cut` where the connection breaks behind it. */
type Shown = string[] | { readonly output: string[]; readonly cut: boolean };
type Show = (context: CliContext, rest: readonly Token[]) => Shown | undefined;

const shows: readonly { readonly words: readonly string[]; readonly show: Show }[] = [
  { words: ["running-config"], show: showRunningConfig },
  { words: ["ini-file"], show: ({ device, occasion }) => printIniLines(device.look(occasion), device.identity) },
  { words: ["system", "version"], show: showVersion },
  { words: ["voip", "proxy", "sets", "status"], show: showProxySets },
  { words: ["users"], show: ({ login }, rest) => (rest.length > 0 ? undefined : login?.listSessions()) },
  ...statusShows.map(({ words, lines }) => ({
    words,
    show: ({ device }: CliContext, rest: readonly Token[]) => (rest.length > 0 ? undefined : lines(device)),
  })),
];

/** What `show <words>` prints, as lines; undefined for words that mean nothing. */
export function show(context: CliContext, tokens: readonly Token[]): Shown | undefined {
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
  return candidates.find(({ words }) => words.length === depth)?.show(context, tokens.slice(depth));
}

function showRunningConfig(context: CliContext, rest: readonly Token[]): Shown | undefined {
  const { device, login, occasion } = context;
  if (device.settings.shell.showNeeds === "privileged" && login?.level === "basic") return undefined;
  let full = false;
  let section: Root | undefined;
  for (const token of rest) {
    const word = pickWord(token, ["full", ...roots]);
    if (word === undefined) return undefined;
    if (word === "full") full = true;
    else section = roots.find((root) => root === word);
  }
  const options = { name: device.identity.name, full, ...(section === undefined ? {} : { section }) };
  const text = printRunningConfig(device.look(occasion), options);
  const fault = login === undefined ? undefined : device.faults.take("truncate-read", shellLine("show running-config"));
  if (fault !== undefined) {
    const left = text.slice(0, fault.bytes ?? Math.floor(text.length / 2));
    return { output: ["", ...left.split("\r\n")], cut: fault.cut };
  }
  // The last of the three blank lines is the one before the prompt.
  return ["", ...text.split("\r\n").slice(0, -2)];
}

function showVersion({ device }: CliContext, rest: readonly Token[]): string[] | undefined {
  if (rest.length > 0) return undefined;
  return ["", "Version info:", "--------------", ...describeVersion(device.running, device.identity)];
}

/** No verbatim sample is known: title, header and spacing are inferred. */
function showProxySets({ device, occasion }: CliContext, rest: readonly Token[]): string[] | undefined {
  if (rest.length > 0) return undefined;
  const configuration = device.look(occasion);
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
