import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataFolder, type DataFolderLock } from "../agent/lock.ts";

describe("the lock of the data folder", () => {
  let parent: string;
  let folder: string;
  let children: ChildProcess[];
  let locks: DataFolderLock[];

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "lock-"));
    folder = join(parent, "data");
    children = [];
    locks = [];
  });

  afterEach(async () => {
    for (const lock of locks) lock.release();
    for (const child of children) await kill(child);
    rmSync(parent, { recursive: true });
  });

  function lock(): DataFolderLock {
    const taken = lockDataFolder(folder);
    locks.push(taken);
    return taken;
  }

  /** Starts another process that takes the lock, and resolves with what it says about that. */
  async function lockElsewhere(): Promise<{ child: ChildProcess; says: string }> {
    const script = fileURLToPath(new URL("store/hold-lock.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", script, folder], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    for await (const line of createInterface({ input: child.stdout })) return { child, says: line };
    throw new Error("the other process said nothing");
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  const refusal = () =>
    `another sbc-agent uses the data folder ${folder}: stop it, or give this one a data folder of its own`;

  it("makes the folder and its lock for their owner alone", () => {
    lock();

    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "agent.lock")).mode & 0o777).toBe(0o600);
  });

  it("keeps another process out, and says what to do", async () => {
    lock();

    expect((await lockElsewhere()).says).toBe(refusal());
  });

  it("is kept out by another process", async () => {
    expect((await lockElsewhere()).says).toBe("locked");

    expect(() => lock()).toThrow(refusal());
  });

  it("is free at once when its process is killed", async () => {
    const { child } = await lockElsewhere();
    await kill(child);

    expect(() => lock()).not.toThrow();
  });

  it("is kept by a process that is only stopped", async () => {
    const { child } = await lockElsewhere();
    child.kill("SIGSTOP");

    expect(() => lock()).toThrow(refusal());
  });

  it("can be taken again after its release", async () => {
    const first = lock();
    first.release();
    first.release();

    expect((await lockElsewhere()).says).toBe("locked");
  });

  it("is given once within a process too, and a second attempt does not weaken it", async () => {
    lock();
    expect(() => lock()).toThrow(refusal());

    expect((await lockElsewhere()).says).toBe(refusal());
  });

  it("of one folder leaves other folders alone", async () => {
    lock();
    folder = join(parent, "other");

    expect((await lockElsewhere()).says).toBe("locked");
  });

  it("says which file cannot be locked, and why", () => {
    mkdirSync(join(folder, "agent.lock"), { recursive: true });

    expect(() => lock()).toThrow(join(folder, "agent.lock"));
  });
});
