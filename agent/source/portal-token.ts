/** Thrown for a token that was refused and may not be tried again yet. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly waitMs: number;

  constructor(waitMs: number) {
    super("the token was refused");
    this.waitMs = waitMs;
  }
}

export interface PortalToken {
  /** The token for one request, whose end must be told to `settle`. Throws TokenRefused, or what the reading threw. */
  take(signal: AbortSignal): Promise<string>;
  /** `unknown`: the answer says nothing about the token, or there was none. */
  settle(token: string, result: "accepted" | "refused" | "unknown"): void;
}

const tryEveryMs = 60_000;

/** Throws what the signal was aborted with. */
async function unlessAborted(waited: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([waited, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  signal.throwIfAborted();
}

/**
 * Keeps the token until it is refused; then reads it anew and tries at most once a minute, one request alone, until one
 * is accepted. A token that reads as the refused one does is not worth a try of its own.
 */
export function keepToken(read: () => string, nowMs: () => number): PortalToken {
  let token: string | undefined;
  let refused: { token: string; at: number } | undefined;
  let triedAt = -Infinity;
  let trial: { token: string; before: number; over: Promise<void>; end: () => void } | undefined;

  function readAnew(): string {
    const text = read();
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new Error("the portal's token is empty or has characters that cannot be sent");
    return text;
  }

  return {
    async take(signal) {
      while (trial !== undefined) {
        await unlessAborted(trial.over, signal);
      }
      if (refused === undefined) return (token ??= readAnew());
      const fresh = readAnew();
      const from = fresh === refused.token ? Math.max(refused.at, triedAt) : triedAt;
      const waitMs = from + tryEveryMs - nowMs();
      if (waitMs > 0) throw new TokenRefused(waitMs);
      let end = (): void => undefined;
      const over = new Promise<void>((resolve) => (end = resolve));
      trial = { token: fresh, before: triedAt, over, end };
      triedAt = nowMs();
      token = fresh;
      return fresh;
    },

    settle(used, result) {
      const tried = trial?.token === used ? trial : undefined;
      if (result === "refused" && used === token) refused = { token: used, at: nowMs() };
      if (result === "accepted" && used === token) refused = undefined;
      if (result === "unknown" && tried !== undefined) triedAt = tried.before;
      if (tried === undefined) return;
      trial = undefined;
      tried.end();
    },
  };
}
