import type { Build } from "./build.ts";
import type { Cleanup } from "./cleanup.ts";

/** The line to the devices, and what their flash takes. */
export interface Line {
  rttMs: number;
  saveMs: number;
}

/** What every measurement starts from. */
export interface Bench {
  build: Build;
  line: Line;
  /** Run when the bench ends, however it ends. */
  cleanup: Cleanup;
}
