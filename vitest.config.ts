import { defineConfig } from "vitest/config";

// The poll's own second is short on a loaded machine.
const timeouts = { testTimeout: 120_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...timeouts,
          name: "processes",
          include: ["test/**/*.test.ts"],
          exclude: ["test/containers/**"],
          // All cores: most tests wait for sockets and disks.
          maxWorkers: "100%",
        },
      },
      {
        test: {
          ...timeouts,
          name: "containers",
          include: ["test/containers/**/*.test.ts"],
          globalSetup: ["test/containers/global-setup.ts"],
          // After the others, one at a time: their time limits do not reckon with an engine that builds images.
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
        },
      },
    ],
  },
});
