import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { announcement, announcementFile } from "../announcement.ts";
import type { AgentClient } from "./client.ts";
import { openClient } from "./client.ts";
import type { AgentConfig } from "../settings/config.ts";
import { likelyRole, loadConfig } from "../settings/config.ts";
import { openSecrets } from "../settings/secrets.ts";
import type { Alone, CommandContext } from "./context.ts";
import { AgentUnreachable, CommandError, Interrupted, UsageError } from "./errors.ts";
import type { Invocation } from "./invocation.ts";

/** Where an agent should be, or why there is none to ask. */
type Place = { url: string; from: string; named: boolean } | { missing: string };

/** The configuration file that is meant, absolute: `--config`, else SBC_AGENT_CONFIG, else `agent.yaml`. */
export function configFile(invocation: Pick<Invocation, "context" | "config">): { file: string; named: boolean } {
  const { context } = invocation;
  const name = invocation.config ?? context.env["SBC_AGENT_CONFIG"];
  const named = name !== undefined && name !== "";
  return { file: resolve(context.cwd, named ? name : "agent.yaml"), named };
}

/** Loads the configuration. Throws ConfigError. */
export function readConfig(invocation: Pick<Invocation, "context" | "config">): AgentConfig {
  return loadConfig(configFile(invocation).file);
}

/** Runs `action` with the agent that answers for this configuration, or at `--url`. Throws CommandError when none does. */
export async function withAgent<T>(invocation: Invocation, action: (client: AgentClient) => Promise<T>): Promise<T> {
  const { config, place } = locate(invocation);
  if ("missing" in place) throw nobody(invocation, [place.missing]);
  const client = open(invocation.context, config, place);
  try {
    return await action(client);
  } catch (error) {
    if (error instanceof AgentUnreachable && error.refused)
      throw nobody(invocation, [`${place.url} (from ${place.from}): connection refused`]);
    throw error;
  } finally {
    client.close();
  }
}

/**
 * As `withAgent`; where no daemon runs on this data folder, opens its parts for this one command instead. The lock of
 * the data folder keeps a daemon that only fails to answer safe from this.
 */
export async function withAgentOrAlone<T>(
  invocation: Invocation,
  actions: { agent: (client: AgentClient) => Promise<T>; alone: (alone: Alone) => Promise<T> },
): Promise<T> {
  const { config, place } = locate(invocation);
  if ("missing" in place) {
    if (config === undefined) throw nobody(invocation, [place.missing]);
    return runAlone(invocation, config, place.missing, actions.alone);
  }
  const client = open(invocation.context, config, place);
  try {
    return await actions.agent(client);
  } catch (error) {
    if (!(error instanceof AgentUnreachable && error.refused)) throw error;
    const tried = `${place.url} (from ${place.from}): connection refused`;
    if (place.named || config === undefined) throw nobody(invocation, [tried]);
    return await runAlone(invocation, config, tried, actions.alone);
  } finally {
    client.close();
  }
}

async function runAlone<T>(
  invocation: Invocation,
  config: AgentConfig,
  tried: string,
  action: (alone: Alone) => Promise<T>,
): Promise<T> {
  const { context, output } = invocation;
  if (likelyRole(config) === "portal") throw nobody(invocation, [tried, "a portal's configuration: no device is near"]);
  output.note(`No agent runs here (${tried}); working without one.`);
  const alone = await context.openAlone(config, context.env);
  try {
    return await Promise.race([action(alone), interruption(context.signal)]);
  } finally {
    await alone.close();
  }
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new Interrupted());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function locate(invocation: Invocation): { config: AgentConfig | undefined; place: Place } {
  const { file, named } = configFile(invocation);
  // With --url a configuration is only asked for the token and the certificate, and may be missing.
  const needless = invocation.url !== undefined && !named && !existsSync(file);
  const config = needless ? undefined : loadConfig(file);
  if (invocation.url !== undefined)
    return { config, place: { url: checkUrl(invocation.url), from: "--url", named: true } };
  return { config, place: readDaemonFile(config?.dataDir ?? invocation.context.cwd) };
}

function readDaemonFile(dataDir: string): Place {
  const file = announcementFile(dataDir);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return { missing: `${file}: there is no such file; a running agent writes it` };
    throw new CommandError(`${file} cannot be read; run this as the user of the agent, or give --url`, {
      cause: error,
    });
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file} is not JSON; give --url, or start the agent anew`, { cause: error });
  }
  const daemon = announcement.safeParse(data).data;
  if (daemon === undefined)
    throw new CommandError(`${file} does not name pid, url and startedAt; give --url, or start the agent anew`);
  const url = daemon.url.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
  return { url, from: `${file}, process ${daemon.pid}`, named: false };
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "")
    throw new UsageError(`--url '${text}': give https://HOST[:PORT]`);
  if (url.protocol === "http:" && !/^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname))
    throw new UsageError(
      `--url '${text}': the token would travel in clear; give an https:// address, or http:// on this machine only`,
    );
  return url.href;
}

function open(context: CommandContext, config: AgentConfig | undefined, place: { url: string }): AgentClient {
  const tls = config?.portal.tls;
  return openClient({
    url: place.url,
    ...readToken(context, config),
    certificatePem: tls === undefined ? undefined : readCertificate(tls.cert),
    signal: context.signal,
  });
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`portal.tls.cert: ${file} cannot be read, so the agent's certificate cannot be checked`, {
      cause: error,
    });
  }
}

function readToken(
  context: CommandContext,
  config: AgentConfig | undefined,
): { token: string | undefined; tokenSource: string } {
  const token = context.env["SBC_AGENT_TOKEN"];
  if (token !== undefined && token !== "") return { token, tokenSource: "from SBC_AGENT_TOKEN" };
  if (config === undefined) return { token: undefined, tokenSource: "SBC_AGENT_TOKEN is not set" };
  const file = join(config.dataDir, "admin.token");
  try {
    return { token: openSecrets(context.env)({ file }), tokenSource: `from ${file}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { token: undefined, tokenSource: `SBC_AGENT_TOKEN is not set, and ${reason}` };
  }
}

function nobody(invocation: Invocation, tried: readonly string[]): CommandError {
  const { file, named } = configFile(invocation);
  return new CommandError(
    [
      "No agent answers.",
      ...tried.map((one) => `  tried ${one}`),
      `  start it with: sbc-agent run${named ? ` --config ${file}` : ""}`,
      "  or name another with --url URL",
    ].join("\n"),
  );
}
