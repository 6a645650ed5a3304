import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { Log } from "../../agent/log.ts";
import { openPortalClient, type PortalClient } from "../../agent/source/portal-client.ts";
import { PortalError } from "../../agent/source/portal-error.ts";
import { createRemoteSource, type RemoteSource } from "../../agent/source/remote.ts";
import type { ClaimedConversion } from "../../agent/store/model.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteJournal } from "../../agent/store/sqlite/open.ts";
import type { DetachedJournal } from "../../agent/store/journal-store.ts";
import type { Claim, Completion } from "../../agent/store/portal-store.ts";
import { startHandMadePortal, type HandMadePortal } from "./hand-made-portal.ts";
import { createManualPace, type ManualPace } from "./manual-pace.ts";

export const gateway = "gw1.example.com";
export const device = "sbc-1";
export const devices = [
  { device, gateways: ["GW1.example.com"], standing: false },
  { device: "sbc-2", gateways: ["gw2.example.com"], standing: false },
];
export const secret = "carrier-password-7c1e";

export interface Setting {
  readonly portal: HandMadePortal;
  readonly client: PortalClient;
  readonly journal: DetachedJournal;
  readonly remote: RemoteSource;
  readonly pace: ManualPace;
  readonly log: Log;
  /** All that was logged, one line each. */
  readonly logged: string[];
  /** How far the wall clock of the agent, and of no one else, is ahead. */
  aheadMs: number;
  /** What the next client is given as the token. */
  token: string;
  /** The source polls, and was heard. */
  start(): Promise<void>;
  claim(max?: number, links?: boolean): Promise<Claim>;
  /** The process dies, and another one starts on the same data folder. */
  crash(): Promise<void>;
  /** Another agent with a data folder of its own. */
  another(): RemoteSource;
  databaseBytes(): Buffer;
}

/** Gives each test a portal, a journal in a folder of its own and a source, with time that the test makes pass. */
export function atPortal(): Setting {
  const key = randomBytes(32);
  const parts: { -readonly [K in "portal" | "client" | "journal" | "remote" | "pace"]?: Setting[K] } = {};
  let folder = "";
  let closers: (() => Promise<void>)[] = [];
  const part = <K extends keyof typeof parts>(name: K): NonNullable<(typeof parts)[K]> => {
    const found = parts[name];
    if (found === undefined) throw new Error(`no ${name} outside a test`);
    return found;
  };
  const note =
    (level: string) =>
    (event: string, fields: object = {}): void => {
      setting.logged.push(`${level} ${event} ${JSON.stringify(fields)}`);
    };
  const log: Log = {
    error: note("error"),
    warn: note("warn"),
    info: note("info"),
    debug: note("debug"),
    close: async () => undefined,
  };

  const now = (): number => Date.now() + setting.aheadMs;

  function open(file: string): { client: PortalClient; journal: DetachedJournal; remote: RemoteSource } {
    const { portal, pace } = setting;
    const client = openPortalClient({ url: portal.url, ca: portal.ca, readToken: () => setting.token, pace });
    const journal = openSqliteJournal({ file: join(folder, file), sealer: openSealer(key), now });
    const remote = createRemoteSource({
      client,
      journal,
      identity: `identity-${file}`,
      devices,
      version: "0.0.0",
      log,
      now,
      pace,
    });
    let open = true;
    closers.push(async () => {
      if (!open) return;
      open = false;
      await remote.stop();
      await journal.close();
    });
    return { client, journal, remote };
  }

  /** Closes what is open while time passes. */
  async function closeAll(): Promise<void> {
    const state = { over: false };
    const closing = Promise.all(closers.splice(0).map((close) => close())).finally(() => (state.over = true));
    while (!state.over) {
      setting.pace.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closing;
  }

  const setting: Setting = {
    get portal() {
      return part("portal");
    },
    get client() {
      return part("client");
    },
    get journal() {
      return part("journal");
    },
    get remote() {
      return part("remote");
    },
    get pace() {
      return part("pace");
    },
    log,
    logged: [],
    aheadMs: 0,
    token: "",
    async start() {
      const { portal, remote } = setting;
      const before = portal.requestsTo("poll").length;
      await remote.start();
      // The second poll shows that the first one was answered.
      const heard = (): boolean =>
        portal
          .requestsTo("poll")
          .slice(before)
          .some(({ body }) => body["fresh"] === false);
      await portal.until(heard);
    },
    async claim(max = 200, links = false) {
      const result = await setting.remote.source.claimDevice(device, {
        holder: "agent",
        durationMs: 120_000,
        graceMs: 60_000,
        max,
        links,
      });
      if (result.kind === "held") throw new Error(`held for ${result.retryAfterMs} ms`);
      return result.claim;
    },
    async crash() {
      await closeAll();
      Object.assign(parts, open("journal.db"));
    },
    another: () => open("another.db").remote,
    databaseBytes: () => Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file)))),
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sbc-agent-source-"));
    parts.portal = await startHandMadePortal();
    parts.pace = createManualPace();
    setting.token = parts.portal.token;
    setting.aheadMs = 0;
    setting.logged.length = 0;
    closers = [];
    Object.assign(parts, open("journal.db"));
  });
  afterEach(async () => {
    await closeAll();
    await part("portal").stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return setting;
}

export function linked({ taskId, customerGuid, tenantId, shortName, fullName }: ClaimedConversion): Completion {
  return {
    kind: "linked",
    taskId,
    link: {
      customerGuid,
      tenantId,
      shortName,
      fullName,
      device,
      gateway,
      proxySet: "SIPTrunk",
      variables: {},
      secretHashes: { CarrierUserPassword: "hash" },
      intent: { customerGuid, tenantId, shortName, blueprint: { name: "oc-default", hash: "abc" }, rows: [] },
    },
    messages: [{ level: "Information", message: `SBC sbc-onboarding done for site ${shortName}.` }],
  };
}

export const failed = (taskId: string, message = "refused"): Completion => ({
  kind: "failed",
  taskId,
  details: ["Failed"],
  messages: [{ level: "Error", message }],
});

export const record = (taskIds: readonly string[]) => ({
  runId: "run_1",
  serialNumber: "1000",
  taskIds,
  creates: [],
  changes: [],
});

/** The PortalError that a promise ends with. */
export async function faultOf(promise: Promise<unknown>): Promise<PortalError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PortalError);
  if (!(error instanceof PortalError)) throw new Error("it did not fail as expected");
  return error;
}
