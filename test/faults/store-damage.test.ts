import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { Store } from "../../agent/store/store.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually, gatewayOf } from "../e2e/client.ts";
import { startDaemon, writeConfig, type Daemon, type DaemonOptions } from "../e2e/daemon.ts";
import { pin, reachOf } from "../e2e/reach.ts";
import { configFor, deviceFile, drawTenant, named, stateOf, statsOf } from "../e2e/rig.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-damage-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("a store file", () => {
  const key = randomBytes(32);
  const judge = () => ({ kind: "device", message: { level: "Information", message: "accepted" } }) as const;

  const open = (file: string): Store =>
    openSqliteStore({ file, judge, sealer: openSealer(key), deadlineMs: 1_000_000, keepSecrets: true });

  async function accept(store: Store, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const { taskId } = await store.accept({
        tenantId: drawTenant(),
        variant: "ip-group",
        shortName: `Customer${i}`,
        fullName: "Customer",
        gateway: gatewayOf(0),
        proxySet: "SIPTrunk",
        variables: {},
        secrets: {},
        device: "sbc0",
      });
      ids.push(taskId);
    }
    return ids;
  }

  /** Which of these conversions a store that opens knows; undefined for one that is refused with a clear word. */
  async function known(file: string, ids: readonly string[]): Promise<boolean[] | undefined> {
    let store: Store;
    try {
      store = open(file);
    } catch (error) {
      expect(String(error)).toContain(`cannot open the store ${file}: `);
      return undefined;
    }
    try {
      return await Promise.all(
        ids.map((id) =>
          store.conversion(id).then(
            (conversion) => conversion !== undefined,
            // Found, and not believed.
            (error: unknown) => String(error).includes("a row of the store does not hold what it should"),
          ),
        ),
      );
    } finally {
      await store.close();
    }
  }

  it("cut to any length is refused by name, with what to do", async () => {
    const whole = join(folder, "whole.db");
    const store = open(whole);
    const ids = await accept(store, 60);
    await store.close();
    const { size } = statSync(whole);
    const file = join(folder, "cut.db");
    for (const length of [0, 1, 100, 511, 512, 4_095, 4_096, 4_097, size / 2, size - 4_097, size - 4_096, size - 1]) {
      copyFileSync(whole, file);
      truncateSync(file, Math.floor(length));
      expect(await known(file, ids), String(length)).toBeUndefined();
      expect(() => open(file)).toThrow("restore a backup");
    }
  });

  it("with a flipped bit is refused by name, or serves every conversion", async () => {
    const whole = join(folder, "whole.db");
    const store = open(whole);
    const ids = await accept(store, 60);
    await store.close();
    const bytes = readFileSync(whole);
    const file = join(folder, "flipped.db");
    const drawn = fc.sample(fc.integer({ min: 800, max: 8 * bytes.length - 1 }), { numRuns: 60, seed: 5 });
    let refused = 0;
    // A bit of every other byte of the header, and some of all the rest.
    for (const bit of [...Array.from({ length: 50 }, (_, i) => 16 * i + (i % 16)), ...drawn]) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      for (const companion of ["-wal", "-shm"]) rmSync(`${file}${companion}`, { force: true });
      writeFileSync(file, damaged);
      const found = await known(file, ids);
      if (found === undefined) refused += 1;
      else expect(found, `bit ${bit}`).toEqual(ids.map(() => true));
    }
    expect(refused).toBeGreaterThan(30);
  });

  it("with another id wherever one stands is refused, or loses no conversion", async () => {
    const whole = join(folder, "whole.db");
    const store = open(whole);
    const ids = await accept(store, 20);
    await store.close();
    const bytes = readFileSync(whole);
    const file = join(folder, "changed.db");
    const id = ids[7] ?? "";
    const places: number[] = [];
    let refused = 0;
    for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1)) places.push(at);
    for (const at of places) {
      const damaged = Buffer.from(bytes);
      damaged.write("x", at + id.length - 1);
      writeFileSync(file, damaged);
      // Some are left-overs of rows that were moved, and mean nothing.
      const found = await known(file, ids);
      expect(found?.filter((there) => !there) ?? [], `at ${at}`).toEqual([]);
      if (found === undefined) refused += 1;
    }
    expect(refused).toBeGreaterThan(1);
  });

  it("with a write-ahead log that is torn anywhere serves what came first, and nothing by half", async () => {
    const live = join(folder, "live.db");
    const store = open(live);
    const ids = await accept(store, 20);
    for (const companion of ["", "-wal"]) copyFileSync(`${live}${companion}`, join(folder, `kept.db${companion}`));
    await store.close();
    const { size } = statSync(join(folder, "kept.db-wal"));
    const file = join(folder, "torn.db");
    const counts: number[] = [];
    for (const part of [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1]) {
      for (const companion of ["-wal", "-shm"]) rmSync(`${file}${companion}`, { force: true });
      for (const companion of ["", "-wal"]) copyFileSync(join(folder, `kept.db${companion}`), `${file}${companion}`);
      truncateSync(`${file}-wal`, Math.floor(size * part));
      const found = (await known(file, ids)) ?? [];
      const count = found.filter(Boolean).length;
      expect(found).toEqual(ids.map((_, i) => i < count));
      counts.push(count);
    }
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(ids.length);
  });
});

describe("a daemon", () => {
  let mock: MockSbc;
  let config: AgentConfig;
  let daemon: Daemon | undefined;

  const storeFile = (): string => join(config.dataDir, "agent.db");

  beforeEach(async () => {
    mock = await startMockSbc({ ini: deviceFile });
    config = configFor(folder, [reachOf(mock)], { run: { retryMaxMs: 500 } });
    await pin(config, [mock]);
  });
  afterEach(async () => {
    await daemon?.kill("SIGTERM");
    daemon = undefined;
    await mock.stop();
  });

  async function start(options: DaemonOptions = {}): Promise<Daemon> {
    return (daemon = await startDaemon(writeConfig(folder, config), config, "run", options));
  }

  async function convert(shortName: string): Promise<string> {
    const { client } = await start();
    const tenant = drawTenant();
    await client.addLead(tenant);
    expect((await client.ended(await client.post(shortName, tenant))).details).toEqual(["Converted"]);
    await daemon?.kill("SIGTERM");
    return tenant;
  }

  it("does not start on a damaged store, and says which file and what to do", async () => {
    await convert("Whole");
    truncateSync(storeFile(), statSync(storeFile()).size - 4_096);
    await expect(start()).rejects.toThrow(/ended with code 1: .*cannot open the store .*agent\.db.*restore a backup/);
  });

  it("does not start on a data folder that cannot be written, and says so", async () => {
    await convert("Whole");
    // Permissions bind root only where it has not the capability that overrides them.
    const within = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
    chmodSync(storeFile(), 0o400);
    chmodSync(config.dataDir, 0o500);
    try {
      await expect(start({ within })).rejects.toThrow(
        /ended with code 1: .*agent\.lock: it is read-only.*make the data folder writable/,
      );
    } finally {
      chmodSync(config.dataDir, 0o700);
    }
  });

  it("on an older store than the device knows of adopts what stands there, once", async () => {
    const first = await convert("First");
    cpSync(config.dataDir, join(folder, "older"), { recursive: true });
    const tenant = await convert("Second");
    const before = await stateOf(mock);
    rmSync(config.dataDir, { recursive: true });
    cpSync(join(folder, "older"), config.dataDir, { recursive: true });

    const { client } = await start();
    await client.addLead(tenant);
    expect((await client.ended(await client.post("Second", tenant))).details).toEqual(["Converted"]);
    expect((await client.ended(await client.post("First", first))).details).toEqual(["CustomerAlreadyConverted"]);
    expect(await stateOf(mock)).toEqual(before);
    expect((await client.resync()).devices).toMatchObject([{ result: "in-sync", customers: 2, writes: 0, saves: 0 }]);
  });

  it("whose disk is full answers 503, writes to no device, and goes on by itself once there is space", async () => {
    const limit = async (bytes: number | "unlimited"): Promise<void> => {
      await promisify(execFile)("prlimit", [`--fsize=${bytes}:unlimited`, "--pid", String(daemon?.pid)]);
    };
    // A file that grows over the limit is refused as a full disk is, unless the signal for it comes first.
    const { client, output } = await start({ within: ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"'] });
    const tenant = drawTenant();
    await client.addLead(tenant);
    await client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "the disk fills up meanwhile" });
    const task = await client.post("Waiting", tenant);

    await limit(1_024);
    const refused = await client.ask("POST", "/api/v3/customer", {
      configurationName: "OcEssential_IPGROUP_TYPE",
      customerShortName: "Refused",
      customerFullName: "Refused",
      msTenantId: drawTenant(),
      scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: gatewayOf(0) },
    });
    expect(refused.status).toBe(503);
    expect(JSON.stringify(refused.body)).toContain("Nothing was stored; repeat it later.");
    expect((await client.ask("GET", "/readyz")).status).toBe(503);
    expect(output().split("store out of order")).toHaveLength(2);
    expect(await statsOf(mock)).toMatchObject({ uploads: 0 });

    await limit("unlimited");
    await client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "there is space" });
    expect((await client.ended(task)).details).toEqual(["Converted"]);
    expect(named((await stateOf(mock)).running["IPGroup"], "Name").get("Waiting")?.active).toBe(true);
    await eventually(
      () => client.ask("GET", "/readyz"),
      ({ status }) => status === 200,
      ({ body }) => JSON.stringify(body),
    );
  });
});
