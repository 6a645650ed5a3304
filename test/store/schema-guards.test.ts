import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { Store } from "../../agent/store/store.ts";
import { deadlineMs, information, newConversion } from "./contract/setting.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  store = openSqliteStore({
    file: join(folder, "store.db"),
    // Rules that forgot everything: what is left then is the schema.
    judge: () => ({ kind: "device", message: information("queued") }),
    sealer: openSealer(randomBytes(32)),
    deadlineMs,
    keepSecrets: true,
  });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const waitingOn = async (device: string): Promise<number> =>
  (await store.queues()).find((queue) => queue.device === device)?.waiting ?? 0;

describe("the schema, under rules that let everything pass", () => {
  it("takes no second running conversion of a tenant, and stores nothing of it", async () => {
    await store.accept({ ...newConversion(), tenantId: "tenant-1", shortName: "Acme", device: "sbc-1" });
    const second = store.accept({ ...newConversion(), tenantId: "tenant-1", shortName: "Other", device: "sbc-2" });
    await expect(second).rejects.toThrow("UNIQUE constraint failed: conversions.tenant_id");
    expect([await waitingOn("sbc-1"), await waitingOn("sbc-2")]).toEqual([1, 0]);
  });

  it("gives a name on a device, in whatever case, to one tenant alone", async () => {
    await store.accept({ ...newConversion(), tenantId: "tenant-1", shortName: "Acme", device: "sbc-1" });
    const second = store.accept({ ...newConversion(), tenantId: "tenant-2", shortName: "ACME", device: "sbc-1" });
    await expect(second).rejects.toThrow("UNIQUE constraint failed: names.device, names.name");
    expect(await waitingOn("sbc-1")).toBe(1);
  });
});
