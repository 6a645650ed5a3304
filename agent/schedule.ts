import cron, { type ScheduledTask } from "node-cron";
import type { Log } from "./log.ts";

export interface Job {
  name: string;
  /** Cron expression, in UTC. */
  at: string;
  run(): Promise<void>;
}

/** Runs jobs at their times, never two of the same at once. A job that fails is logged and comes again. */
export interface Schedule {
  start(): void;
  stop(): Promise<void>;
}

export function createSchedule(jobs: readonly Job[], log: Log): Schedule {
  let tasks: ScheduledTask[] = [];
  const say = (message: unknown): void => log.warn("schedule", { reason: String(message) });
  return {
    start() {
      cron.setLogger({ info: () => undefined, debug: () => undefined, warn: say, error: say });
      tasks = jobs.map((job) =>
        cron.schedule(
          job.at,
          async () => {
            try {
              await job.run();
              log.info("job done", { job: job.name });
            } catch (error) {
              log.error("job failed", {
                job: job.name,
                reason: error instanceof Error ? error.message : String(error),
              });
            }
          },
          { name: job.name, timezone: "UTC", noOverlap: true },
        ),
      );
    },
    async stop() {
      for (const task of tasks) await task.destroy();
    },
  };
}
