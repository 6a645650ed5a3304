/** Gives back what was opened, last first, whatever of it fails. */
export interface Cleanup {
  add(release: () => Promise<void> | void): void;
  /** Resolves when all is given back. May be called again, and while it is under way. */
  run(): Promise<void>;
}

/** One within another is run by it at the latest. */
export function createCleanup(outer?: Cleanup): Cleanup {
  const releasers: (() => Promise<void> | void)[] = [];
  let running: Promise<void> | undefined;

  async function releaseAll(): Promise<void> {
    for (let release = releasers.pop(); release !== undefined; release = releasers.pop())
      try {
        await release();
      } catch (error) {
        process.stderr.write(`stopping failed: ${error instanceof Error ? error.message : String(error)}\n`);
      }
  }

  const cleanup: Cleanup = {
    add: (release) => void releasers.push(release),
    run: () =>
      (running ??= releaseAll().finally(() => {
        running = undefined;
      })),
  };
  outer?.add(() => cleanup.run());
  return cleanup;
}
