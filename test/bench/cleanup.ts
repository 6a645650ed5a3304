/** Gives back what was opened, last first, whatever of it fails. */
export interface Cleanup {
  add(release: () => Promise<void> | void): void;
  /** May be called again: what was given back is not given back twice. */
  run(): Promise<void>;
}

/** One within another is run by it at the latest. */
export function createCleanup(outer?: Cleanup): Cleanup {
  const releasers: (() => Promise<void> | void)[] = [];
  const cleanup: Cleanup = {
    add: (release) => void releasers.push(release),
    async run() {
      for (let release = releasers.pop(); release !== undefined; release = releasers.pop())
        try {
          await release();
        } catch (error) {
          process.stderr.write(`stopping failed: ${error instanceof Error ? error.message : String(error)}\n`);
        }
    },
  };
  outer?.add(() => cleanup.run());
  return cleanup;
}
