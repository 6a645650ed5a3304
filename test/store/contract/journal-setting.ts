import { afterEach, beforeEach } from "vitest";
import type { Lease } from "../../../agent/store/model.ts";
import type { DetachedJournal } from "../../../agent/store/journal-store.ts";
import { durationMs, start, type BooksSetting } from "./setting.ts";

/** Somewhere to store, empty at first. Journals opened on it one after the other find what the earlier one left. */
interface JournalPlace {
  open(setup: { now: () => number }): Promise<DetachedJournal>;
  remove(): Promise<void>;
}

export type NewJournalPlace = () => Promise<JournalPlace>;

interface JournalSetting extends BooksSetting {
  readonly store: DetachedJournal;
}

/** Gives each test of the suite a journal in a place of its own, with a clock that the test may change. */
export function inNewJournal(newPlace: NewJournalPlace): JournalSetting {
  let place: JournalPlace | undefined;
  let store: DetachedJournal | undefined;
  const setting: JournalSetting = {
    get store() {
      if (store === undefined) throw new Error("no journal outside a test");
      return store;
    },
    now: start,
    async reopen() {
      await store?.close();
      store = await place?.open({ now: () => setting.now });
    },
  };

  beforeEach(async () => {
    place = await newPlace();
    setting.now = start;
    await setting.reopen();
  });

  afterEach(async () => {
    await store?.close();
    await place?.remove();
    store = undefined;
  });

  return setting;
}

export const leaseOf = (fence: number, device = "sbc-1"): Lease => ({ device, fence, durationMs });
export const record = (...taskIds: string[]) => ({
  runId: "run-1",
  serialNumber: "123",
  taskIds,
  creates: [],
  changes: [{ table: "ip-group" as const, index: 1, name: "Old", before: { tags: "x" }, customers: ["c1"] }],
});
