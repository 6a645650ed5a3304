import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "./settings/config.ts";

export interface TokenSettings {
  name: string;
  scopes: readonly Scope[];
  /** The token itself. */
  token: string;
  /** Given for the scope `agent`, which stands alone, and for no other. */
  agent?: AgentBinding;
}

/** What an agent's token is for; its calls concern nothing else. Gateways are FQDNs, in lower case. */
export interface AgentBinding {
  devices: ReadonlySet<string>;
  gateways: ReadonlySet<string>;
}

/** Who calls. */
export interface Identity {
  name: string;
  /** Present for the scope `agent`, and for no other. */
  agent: AgentBinding | undefined;
  /** Whether one of the scopes was granted; `admin` grants all but `agent`, which goes with a binding only. */
  may(scopes: readonly Scope[]): boolean;
}

export interface Tokens {
  /** Undefined for a token that was not given out. Takes the same time whichever token it is compared with. */
  identify(token: string): Identity | undefined;
}

const digest = (text: string) => createHash("sha256").update(text, "utf8").digest();

function bindingOf({ name, scopes, agent }: TokenSettings): AgentBinding | undefined {
  if (scopes.includes("agent") !== (agent !== undefined))
    throw new Error(`token '${name}': the scope 'agent' goes with devices and gateways, and they with it`);
  if (agent === undefined) return undefined;
  if (scopes.length > 1)
    throw new Error(`token '${name}': the scope 'agent' stands alone; give other tokens the others`);
  return { devices: agent.devices, gateways: new Set([...agent.gateways].map((gateway) => gateway.toLowerCase())) };
}

/**
 * Throws an Error that names the tokens, never their values, where one value stands for two names, or where the scope
 * `agent` and a binding are not together and alone.
 */
export function createTokens(settings: readonly TokenSettings[]): Tokens {
  const known = settings.map((token) => {
    const { name, scopes } = token;
    const isAdmin = scopes.includes("admin");
    const may = (wanted: readonly Scope[]): boolean =>
      wanted.some((scope) => scopes.includes(scope) || (isAdmin && scope !== "agent"));
    return { hash: digest(token.token), identity: { name, agent: bindingOf(token), may } };
  });
  for (const [i, { hash, identity }] of known.entries()) {
    const twin = known.slice(0, i).find((other) => timingSafeEqual(other.hash, hash));
    if (twin !== undefined)
      throw new Error(`tokens '${twin.identity.name}' and '${identity.name}' have the same value; give each its own`);
  }
  return {
    identify(token) {
      const presented = digest(token);
      let found: Identity | undefined;
      for (const { hash, identity } of known) if (timingSafeEqual(hash, presented)) found = identity;
      return found;
    },
  };
}

/**
 * The token in `admin.token` of the data folder, which the first call makes: mode 0600, 256 random bits. Throws an Error
 * that names the file when others can read it or it does not hold such a token.
 */
export function ensureAdminToken(dataDir: string): string {
  const file = join(dataDir, "admin.token");
  const existing = readPrivateToken(file);
  if (existing !== undefined) return existing;
  const token = randomBytes(32).toString("base64url");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // Complete or absent: a crash in between must not leave half a token behind.
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, `${token}\n`, { flag: "wx", mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return token;
}

function readPrivateToken(file: string): string | undefined {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const mode = fstatSync(handle).mode & 0o777;
    if ((mode & 0o077) !== 0)
      throw new Error(
        `${file} has mode ${mode.toString(8)}: others can read the admin token. Delete it and start again: a new one is made`,
      );
    const token = readFileSync(handle, "utf8").trimEnd();
    if (!/^[\w-]{43}$/.test(token))
      throw new Error(`${file} does not hold an admin token. Delete it and start again: a new one is made`);
    return token;
  } finally {
    closeSync(handle);
  }
}
