import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { crossFaults, roleFaults, type Role } from "./config-faults.ts";
import { tidyAddress } from "./device-address.ts";
import { mergeDrift } from "./drift-policy.ts";
import { configSchema, type AgentConfig, type SecretReference } from "./config-schema.ts";

export { likelyRole, roleFaults, type Role } from "./config-faults.ts";
export type {
  AgentConfig,
  CarrierSettings,
  DeviceSettings,
  OvocSettings,
  RunSettings,
  Scope,
  SecretReference,
  SshSettings,
} from "./config-schema.ts";

/** A configuration that cannot be used. `faults` names every fault with its path, all at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[]) {
    super([`${file} cannot be used:`, ...faults.map((fault) => `  ${fault}`)].join("\n"));
    this.faults = faults;
  }
}

function resolveFrom(folder: string, secret: SecretReference): SecretReference {
  return "file" in secret ? { file: resolve(folder, secret.file) } : secret;
}

/** Those of `names` that stand in `settings`, their files taken from `folder`. */
function resolveSecrets<K extends string>(
  folder: string,
  settings: Readonly<Partial<Record<K, SecretReference | undefined>>>,
  names: readonly K[],
): Partial<Record<K, SecretReference>> {
  const found: Partial<Record<K, SecretReference>> = {};
  for (const name of names) {
    const secret = settings[name];
    if (secret !== undefined) found[name] = resolveFrom(folder, secret);
  }
  return found;
}

/** Checks a configuration that was read already; relative paths are taken from `folder`. Throws ConfigError with every fault. */
export function checkConfig(data: unknown, file: string, folder: string): AgentConfig {
  const result = configSchema.safeParse(data);
  if (!result.success)
    throw new ConfigError(
      file,
      result.error.issues.map((issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`),
    );
  const config = result.data;
  const resolved = resolvePaths(config, folder);
  // The addresses as they were written, the paths as they will be used.
  const faults = crossFaults({ ...resolved, devices: config.devices });
  if (faults.length > 0) throw new ConfigError(file, faults);
  const devices = resolved.devices.map((d) => ({
    ...d,
    address: tidyAddress(d.address),
    drift: mergeDrift(config.drift, d.drift),
  }));
  return { ...resolved, devices };
}

function resolvePaths(config: AgentConfig, folder: string): AgentConfig {
  return {
    ...config,
    dataDir: resolve(folder, config.dataDir),
    sealKey: "file" in config.sealKey ? { file: resolve(folder, config.sealKey.file) } : config.sealKey,
    ...(config.blueprints === undefined ? {} : { blueprints: resolve(folder, config.blueprints) }),
    portal: {
      ...config.portal,
      ...(config.portal.tls === undefined
        ? {}
        : { tls: { cert: resolve(folder, config.portal.tls.cert), key: resolve(folder, config.portal.tls.key) } }),
      tokens: config.portal.tokens.map((t) => ({ ...t, token: resolveFrom(folder, t.token) })),
    },
    agents: config.agents.map((a) => ({ ...a, token: resolveFrom(folder, a.token) })),
    source: {
      ...config.source,
      token: resolveFrom(folder, config.source.token),
      ...(config.source.ca === undefined ? {} : { ca: resolve(folder, config.source.ca) }),
    },
    devices: config.devices.map((d) => ({
      ...d,
      ...resolveSecrets(folder, d, ["password"]),
      ...(d.ssh === undefined
        ? {}
        : { ssh: { ...d.ssh, ...resolveSecrets(folder, d.ssh, ["privateKey", "passphrase", "enablePassword"]) } }),
      trust: typeof d.trust === "object" && "ca" in d.trust ? { ca: resolve(folder, d.trust.ca) } : d.trust,
    })),
    ...(config.ovoc === undefined
      ? {}
      : {
          ovoc: {
            ...config.ovoc,
            password: resolveFrom(folder, config.ovoc.password),
            ...(config.ovoc.ca === undefined ? {} : { ca: resolve(folder, config.ovoc.ca) }),
          },
        }),
  };
}

/** Reads and checks a YAML configuration; relative paths in it are taken from its folder. Throws ConfigError with every fault. */
export function loadConfig(file: string): AgentConfig {
  let data: unknown;
  try {
    data = parseYaml(readFileSync(file, "utf8"), { uniqueKeys: true });
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ConfigError(file, [error.message]);
    const code = (error as NodeJS.ErrnoException).code;
    throw new ConfigError(file, [
      code === "ENOENT" ? "there is no such file; pass --config FILE" : `cannot be read (${code ?? String(error)})`,
    ]);
  }
  return checkConfig(data, file, dirname(resolve(file)));
}

/** Checks that a configuration serves for what is to be started with it. Throws ConfigError with every fault. */
export function requireRole(config: AgentConfig, role: Role, file: string): void {
  const faults = roleFaults(config, role);
  if (faults.length > 0) throw new ConfigError(file, faults);
}
