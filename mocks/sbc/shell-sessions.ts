import type { Settings } from "./settings.ts";

/** A session that stands, as `show users` lists it. */
export interface OpenSession {
  readonly kind: "ssh" | "telnet";
  /** Undefined while nobody has logged in; such a one is not listed. */
  user: string | undefined;
  readonly address: string;
  readonly since: number;
  /** Cuts it. */
  readonly end: () => void;
}

/** What one connection holds of the limit. */
export interface Place {
  readonly session: OpenSession;
  /** Whether `take` would succeed. */
  readonly isFree: boolean;
  /** Counts the session in; false when all places are taken. May be called again. */
  take(): boolean;
  /** Counts it out. */
  giveBack(): void;
  /** Counts it out for good. */
  leave(): void;
}

/** All shells of a device, SSH or not. */
export interface ShellSessions {
  placeFor(session: OpenSession): Place;
  /** What `show users` prints; the star marks the one that asks (inferred). */
  list(own: OpenSession): string[];
  find(id: number): OpenSession | undefined;
}

export function createShellSessions(settings: Settings): ShellSessions {
  const slots = new Map<number, OpenSession>();

  function isFull(kind: OpenSession["kind"]): boolean {
    const { sessionLimit, limitCovers } = settings.shell;
    if (limitCovers === "all") return slots.size >= sessionLimit;
    return kind === "ssh" && [...slots.values()].filter((session) => session.kind === "ssh").length >= sessionLimit;
  }

  return {
    placeFor(session) {
      let id: number | undefined;
      let hasLeft = false;
      const place: Place = {
        session,
        get isFree() {
          return !hasLeft && (id !== undefined || !isFull(session.kind));
        },
        take() {
          if (!place.isFree) return false;
          if (id !== undefined) return true;
          id = 0;
          while (slots.has(id)) id += 1;
          slots.set(id, session);
          return true;
        },
        giveBack() {
          if (id !== undefined) slots.delete(id);
          id = undefined;
        },
        leave() {
          place.giveBack();
          hasLeft = true;
        },
      };
      return place;
    },
    list: (own) =>
      [...slots]
        .sort(([one], [other]) => one - other)
        .flatMap(([id, session]) => {
          const { kind, user, address, since } = session;
          if (user === undefined) return [];
          return [`[${id}]${session === own ? "*" : ""} ${kind} ${user} ${address} ${describeTime(since)}`];
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
