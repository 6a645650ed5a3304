import { describe } from "vitest";
import { testAcceptance } from "./store/contract/acceptance.ts";
import { testCompletions } from "./store/contract/completions.ts";
import { testJournal } from "./store/contract/journal.ts";
import { testLeases } from "./store/contract/leases.ts";
import { testRecords } from "./store/contract/records.ts";
import { testTurns } from "./store/contract/turns.ts";
import type { NewPlace } from "./store/contract/setting.ts";

/**
 * What every store must do. `newPlace` makes somewhere empty to store; each test gets one of its own, and removes it
 * after closing the stores it opened there.
 */
export function testStore(name: string, newPlace: NewPlace): void {
  describe(name, () => {
    testAcceptance(newPlace);
    testTurns(newPlace);
    testLeases(newPlace);
    testCompletions(newPlace);
    testRecords(newPlace);
    testJournal(newPlace);
  });
}
