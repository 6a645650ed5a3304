import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { getContainerRuntimeClient } from "testcontainers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A container engine answers, and the images are built. */
    engine: boolean;
  }
}

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** For the command that builds the images, and for testcontainers, which looks in more places. */
async function hasEngine(): Promise<boolean> {
  return run("docker", ["info"], { timeout: 10_000 })
    .then(() => getContainerRuntimeClient())
    .then(
      () => true,
      () => false,
    );
}

/** The reaper is an image too. Where it cannot be had, what a test starts ends with the test alone. */
async function doWithoutReaperIfMissing(): Promise<void> {
  if (process.env["TESTCONTAINERS_RYUK_DISABLED"] !== undefined) return;
  const image = process.env["RYUK_CONTAINER_IMAGE"] ?? "testcontainers/ryuk:0.14.0";
  const isThere = await run("docker", ["image", "inspect", image])
    .catch(() => run("docker", ["pull", "-q", image], { timeout: 60_000 }))
    .then(
      () => true,
      () => false,
    );
  if (!isThere) process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
}

/** Finds the engine and builds the images. Without an engine the suites skip; with REQUIRE_DOCKER set this throws. */
export default async function setUp({ provide }: TestProject): Promise<void> {
  const engine = await hasEngine();
  provide("engine", engine);
  if (!engine) {
    if ((process.env["REQUIRE_DOCKER"] ?? "") !== "")
      throw new Error("REQUIRE_DOCKER is set, and no container engine answers");
    console.warn("No container engine answers: the tests in test/containers are skipped.");
    return;
  }
  await doWithoutReaperIfMissing();
  const target = process.env["IMAGE_TARGET"];
  await run(".ci/build-images.sh", target === undefined ? [] : [target], { cwd: root });
}
