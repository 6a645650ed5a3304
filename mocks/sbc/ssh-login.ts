import type { AuthContext, ParsedKey } from "ssh2";
import type { Occasion } from "./faults.ts";
import type { Place } from "./shell-sessions.ts";
import type { Settings } from "./settings.ts";
import type { User, Users } from "./users.ts";

/** An SSH connection as faults see it. */
export const sshOccasion: Occasion = { method: "SSH", path: "/ssh" };

/** Who may get in, and how. */
export interface SshDoor {
  readonly settings: Settings;
  readonly users: Users;
  /** Name of the user whom the authorized keys let in. */
  readonly keyUser: string;
  readonly keys: readonly ParsedKey[];
}

/** The user who gets in; undefined for nobody. A client asks first whether a key would do. */
export function judgeLogIn(door: SshDoor, context: AuthContext, place: Place): User | "would do" | undefined {
  const { settings, users, keyUser, keys } = door;
  const { address } = place.session;
  if (settings.shell.overLimit === "auth" && !place.isFree) return undefined;
  if (context.method === "password") {
    const logIn = users.admit(context.username, { password: context.password }, address, sshOccasion);
    return "user" in logIn ? logIn.user : undefined;
  }
  if (context.method !== "publickey" || context.username !== keyUser) return undefined;
  const { blob, signature, hashAlgo, key } = context;
  const known = keys.find((one) => one.getPublicSSH().equals(key.data));
  if (known === undefined) return undefined;
  if (signature === undefined || blob === undefined) return "would do";
  // It answers with an Error where it cannot tell; what types say of it is not so.
  if ((known.verify(blob, signature, hashAlgo) as unknown) !== true) return undefined;
  const logIn = users.admit(context.username, "key", address, sshOccasion);
  return "user" in logIn ? logIn.user : undefined;
}

/** Whether the request tries a secret, and does not only ask which ways there are. */
export function isTry(context: AuthContext): boolean {
  return context.method === "password" || (context.method === "publickey" && context.signature !== undefined);
}
