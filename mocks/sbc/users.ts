import { z } from "zod";
import type { Faults, Occasion } from "./faults.ts";
import type { Recorder } from "./recorder.ts";
import type { Settings } from "./settings.ts";

/** Access levels by their RADIUS number. */
export const levels = { monitor: 50, administrator: 100, securityAdministrator: 200 } as const;
export type Level = keyof typeof levels;

export interface User {
  readonly name: string;
  readonly password: string;
  readonly level: Level;
}

const usersSchema = z.array(
  z.strictObject({
    name: z.string(),
    password: z.string(),
    level: z.enum(["monitor", "administrator", "securityAdministrator"]),
  }),
);

/** A list of users as somebody gives it. Throws an Error that says what is wrong with it. */
export function readUsers(list: unknown): User[] {
  const result = usersSchema.safeParse(list);
  if (!result.success) throw new Error(z.prettifyError(result.error));
  return result.data;
}

/** Who asks, or why nobody got in. */
export type LogIn = { readonly user: User } | { readonly refused: "credentials" | "blocked" };

export interface Users {
  /** Checks `Authorization: Basic`. Failed log-ins block the address for all users, as the settings say. */
  logIn(authorization: string | undefined, address: string, occasion: Occasion): LogIn;
  /** The same for a name and a password, or for a user who has proved to be one (`"key"`). */
  admit(name: string, proof: { readonly password: string } | "key", address: string, occasion: Occasion): LogIn;
  isKnown(name: string): boolean;
  /** Puts other users in place; failures and blocks stay. */
  replace(users: readonly User[]): void;
}

export function createUsers(
  known: readonly User[],
  options: { readonly settings: Settings; readonly faults: Faults; readonly recorder: Recorder },
): Users {
  const { settings, faults, recorder } = options;
  let users = known;
  const failures = new Map<string, number>();
  const blockedUntil = new Map<string, number>();

  function expire(occasion: Occasion): boolean {
    const waiting = faults.peek("unauthorized-after").find((fault) => fault.after > 0);
    if (waiting !== undefined) waiting.after -= 1;
    return faults.take("unauthorized-after", occasion, (fault) => fault.after <= 0 && fault !== waiting) !== undefined;
  }

  function judge(find: () => User | undefined, address: string, occasion: Occasion, isTry: boolean): LogIn {
    if ((blockedUntil.get(address) ?? 0) > performance.now()) return { refused: "blocked" };
    const user = expire(occasion) ? undefined : find();
    if (user !== undefined) {
      recorder.stats.logins += 1;
      failures.delete(address);
      return { user };
    }
    if (!isTry) return { refused: "credentials" };
    recorder.stats.failedLogins += 1;
    const count = (failures.get(address) ?? 0) + 1;
    failures.set(address, count);
    if (settings.denyAccessOnFailCount > 0 && count >= settings.denyAccessOnFailCount) {
      failures.delete(address);
      blockedUntil.set(address, performance.now() + settings.denyAuthenticationTimer * 1000);
    }
    return { refused: "credentials" };
  }

  const named = (name: string, password: string): User | undefined =>
    users.find((user) => user.name === name && user.password === password);

  return {
    logIn(authorization, address, occasion) {
      const encoded = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(authorization ?? "")?.[1] ?? "";
      const [name = "", ...rest] = Buffer.from(encoded, "base64").toString("utf8").split(":");
      // A request without credentials is no log-in that failed.
      return judge(() => named(name, rest.join(":")), address, occasion, authorization !== undefined);
    },
    admit(name, proof, address, occasion) {
      const find = (): User | undefined =>
        proof === "key" ? users.find((user) => user.name === name) : named(name, proof.password);
      return judge(find, address, occasion, true);
    },
    isKnown: (name) => users.some((user) => user.name === name),
    replace(others) {
      users = others;
    },
  };
}

/** Whether the user may do what needs that level. */
export function isAllowed(user: User, needed: Level): boolean {
  return levels[user.level] >= levels[needed];
}
