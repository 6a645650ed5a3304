import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { dialects, models } from "../../drivers/index.ts";
import type { CommandContext } from "./context.ts";
import type { AgentConfig, DeviceSettings, SecretReference } from "../settings/config.ts";
import { ConfigError, likelyRole, loadConfig, roleFaults } from "../settings/config.ts";
import { secretsOf as deviceSecrets } from "../devices/credentials.ts";
import { openSecrets } from "../settings/secrets.ts";
import { readConfiguredSealKey } from "../seal-key.ts";
import { deviceWarnings } from "./device-warnings.ts";

export interface ConfigFinding {
  file: string;
  /** Each with its path. None: the agent can start. */
  faults: string[];
  warnings: string[];
  devices: {
    name: string;
    driver: string;
    address: string;
    mode: string;
    trust: string;
    blueprint: string;
    gateways: string[];
  }[];
  secrets: { path: string; reference: string; state: string }[];
}

/** Checks a configuration and all that it refers to: secrets, files, blueprints, enrolled certificates. Never throws for a fault. */
export async function checkConfiguration(
  file: string,
  context: Pick<CommandContext, "env" | "loadBlueprints" | "now">,
): Promise<ConfigFinding> {
  const finding: ConfigFinding = { file, faults: [], warnings: [], devices: [], secrets: [] };
  let config: AgentConfig;
  try {
    config = loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...finding, faults: [...error.faults] };
  }
  finding.devices = config.devices.map((device) => ({
    name: device.name,
    driver: device.driver,
    address: device.address,
    mode: device.mode,
    trust: trustWords(device),
    blueprint: device.blueprint,
    gateways: [...device.gateways],
  }));
  finding.faults.push(...roleFaults(config, likelyRole(config)));
  checkSecrets(config, context.env, finding);
  checkFiles(config, finding);
  finding.warnings.push(...deviceWarnings(config, context.now()));
  await checkBlueprints(config, context, finding);
  return finding;
}

/** Of `auto`, how the certificate and how the host key is checked, where that is not the same. */
function trustWords({ driver, trust, ssh }: DeviceSettings): string {
  const word = (given: string | object): string => (typeof given === "string" ? given : (Object.keys(given)[0] ?? ""));
  const words = [...(driver === "ssh" ? [] : [word(trust)]), ...(ssh === undefined ? [] : [word(ssh.hostKey)])];
  return [...new Set(words)].join(", ");
}

/** All but the seal key, which is made where it is missing. */
function secretsOf(config: AgentConfig): [path: string, reference: SecretReference][] {
  return [
    ...config.portal.tokens.map((t, i): [string, SecretReference] => [`portal.tokens.${i}.token`, t.token]),
    ...config.agents.map((a, i): [string, SecretReference] => [`agents.${i}.token`, a.token]),
    ...(config.source.url === undefined
      ? []
      : [["source.token", config.source.token] satisfies [string, SecretReference]]),
    ...config.devices.flatMap((d, i) =>
      deviceSecrets(d).map(([path, secret]): [string, SecretReference] => [`devices.${i}.${path}`, secret]),
    ),
    ...(config.ovoc === undefined
      ? []
      : [
          [config.ovoc.bearer ? "ovoc.token" : "ovoc.password", config.ovoc.password] satisfies [
            string,
            SecretReference,
          ],
        ]),
  ];
}

function describeReference(reference: SecretReference): string {
  if ("env" in reference) return `env ${reference.env}`;
  return "file" in reference ? `file ${reference.file}` : `credential ${reference.credential}`;
}

function checkSecrets(config: AgentConfig, env: CommandContext["env"], finding: ConfigFinding): void {
  const resolve = openSecrets(env);
  addSecret(finding, "sealKey", config.sealKey, () =>
    readConfiguredSealKey(config, resolve) === "missing" ? "made at first start" : "set",
  );
  for (const [path, reference] of secretsOf(config))
    addSecret(finding, path, reference, () => {
      resolve(reference);
      return "set";
    });
}

/** `read` resolves the secret and says its state; what it throws is a fault. */
function addSecret(finding: ConfigFinding, path: string, reference: SecretReference, read: () => string): void {
  let state: string;
  try {
    state = read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    state = /mode \d+/.exec(reason)?.[0] ?? "not set";
    finding.faults.push(`${path}: ${reason}`);
  }
  finding.secrets.push({ path, reference: describeReference(reference), state });
}

function checkFiles(config: AgentConfig, finding: ConfigFinding): void {
  const files: [path: string, file: string | undefined][] = [
    ["portal.tls.cert", config.portal.tls?.cert],
    ["portal.tls.key", config.portal.tls?.key],
    ["ovoc.ca", config.ovoc?.ca],
    ["source.ca", config.source.ca],
    ...config.devices.map((d, i): [string, string | undefined] => [
      `devices.${i}.trust.ca`,
      typeof d.trust === "object" && "ca" in d.trust ? d.trust.ca : undefined,
    ]),
  ];
  for (const [path, file] of files) {
    if (file === undefined) continue;
    try {
      const text = readFileSync(file, "utf8");
      if (path !== "portal.tls.key") new X509Certificate(text);
    } catch (error) {
      finding.faults.push(`${path}: ${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const [i, device] of config.devices.entries())
    if (device.model !== undefined && !models.includes(device.model))
      finding.faults.push(`devices.${i}.model: '${device.model}' is none of ${models.join(", ")}`);
  for (const [i, { ssh }] of config.devices.entries())
    if (ssh?.dialect !== undefined && !dialects.includes(ssh.dialect))
      finding.faults.push(`devices.${i}.ssh.dialect: '${ssh.dialect}' is none of ${dialects.join(", ")}`);
}

async function checkBlueprints(
  config: AgentConfig,
  context: Pick<CommandContext, "loadBlueprints">,
  finding: ConfigFinding,
): Promise<void> {
  let known: ReadonlyMap<string, unknown>;
  try {
    known = await context.loadBlueprints(config.blueprints);
  } catch (error) {
    const faults = error instanceof Error && "faults" in error && Array.isArray(error.faults) ? error.faults : [error];
    for (const fault of faults)
      finding.faults.push(`blueprints: ${fault instanceof Error ? fault.message : String(fault)}`);
    return;
  }
  for (const [i, device] of config.devices.entries())
    if (!known.has(device.blueprint))
      finding.faults.push(
        `devices.${i}.blueprint: there is no '${device.blueprint}'; there are ${[...known.keys()].join(", ")}`,
      );
}
