import type { Settings } from "./settings.ts";

/** A session that stands, as `show users` lists it. */
export interface OpenSession {
  readonly kind: "ssh" | "telnet";
  readonly user: string;
  readonly address: string;
  readonly since: number;
  /** Cuts it. */
  readonly end: () => void;
}

/** All shells of a device, SSH or not: they share one limit. */
export interface ShellSessions {
  readonly isFull: boolean;
  /** Counts a session in; call the result when it is over. */
  add(session: OpenSession): () => void;
  /** What `show users` prints; the star marks the one that asks (inferred). */
  list(own: OpenSession): string[];
  find(id: number): OpenSession | undefined;
}

export function createShellSessions(settings: Settings): ShellSessions {
  const slots = new Map<number, OpenSession>();
  return {
    get isFull() {
      return slots.size >= settings.shell.sessionLimit;
    },
    add(session) {
      let id = 0;
      while (slots.has(id)) id += 1;
      slots.set(id, session);
      return () => {
        if (slots.get(id) === session) slots.delete(id);
      };
    },
    list: (own) =>
      [...slots]
        .sort(([one], [other]) => one - other)
        .map(([id, session]) => {
          const { kind, user, address, since } = session;
          return `[${id}]${session === own ? "*" : ""} ${kind} ${user} ${address} ${describeTime(since)}`;
        }),
    find: (id) => slots.get(id),
  };
}

function describeTime(since: number): string {
  const seconds = Math.floor((performance.now() - since) / 1000);
  const two = (value: number): string => String(value % 60).padStart(2, "0");
  const hours = String(Math.floor(seconds / 3600) % 24).padStart(2, "0");
  return `${Math.floor(seconds / 86_400)}d${hours}h${two(Math.floor(seconds / 60))}m${two(seconds)}s`;
}
