/** The command was called in a way that cannot work: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was asked did not happen: exit code 1. The message says what was tried, what came back and what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** No answer: nothing listens, the connection broke, or the deadline passed. */
export class AgentUnreachable extends Error {
  override readonly name = "AgentUnreachable";
  /** Nothing listens there, so certainly nothing was sent. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

/** An answer that is not the one that was asked for. */
export class AgentRefusal extends Error {
  override readonly name = "AgentRefusal";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** SIGINT or SIGTERM came before the answer. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("Interrupted.");
  }
}

/** The message and those of its causes, one a line; the stacks as well when `debug`. */
export function describeError(error: unknown, debug: boolean): string {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < 5; depth++) {
    const message = at instanceof Error ? at.message : JSON.stringify(at);
    if (depth === 0) lines.push(message);
    else if (!lines.some((line) => line.includes(message))) lines.push(`  because: ${message}`);
    if (debug && at instanceof Error && at.stack !== undefined) lines.push(at.stack);
    at = at instanceof Error ? at.cause : undefined;
  }
  return lines.join("\n");
}
