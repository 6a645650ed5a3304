/** The command was called in a way that cannot work: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was asked did not happen: exit code 1. The message says what was tried, what came back and what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
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
