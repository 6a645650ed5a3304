import { describe } from "vitest";
import { testAcceptance } from "./store/contract/acceptance.ts";
import { testAdoption } from "./store/contract/adoption.ts";
import { testAmendments } from "./store/contract/amendments.ts";
import { testAgentBooks } from "./store/contract/agent-books.ts";
import { testAnnouncements } from "./store/contract/announcements.ts";
import { testCompletions } from "./store/contract/completions.ts";
import { testDeadlines } from "./store/contract/deadlines.ts";
import { testGivenUp } from "./store/contract/given-up.ts";
import { testHousekeeping } from "./store/contract/housekeeping.ts";
import { testLeads } from "./store/contract/leads.ts";
import { testLeases } from "./store/contract/leases.ts";
import { testLookups } from "./store/contract/lookups.ts";
import { testRecords } from "./store/contract/records.ts";
import { testSentMarks } from "./store/contract/sent-marks.ts";
import { inNewPlace, type NewPlace } from "./store/contract/setting.ts";
import { testTurns } from "./store/contract/turns.ts";
import { testUnplaced } from "./store/contract/unplaced.ts";

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
    testAmendments(newPlace);
    testAdoption(newPlace);
    testGivenUp(newPlace);
    testRecords(newPlace);
    testDeadlines(newPlace);
    testSentMarks(newPlace);
    testAnnouncements(newPlace);
    testUnplaced(newPlace);
    testLeads(newPlace);
    testLookups(newPlace);
    testAgentBooks(() => inNewPlace(newPlace));
    testHousekeeping(newPlace);
  });
}
