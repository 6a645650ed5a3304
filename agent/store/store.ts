import type { JournalStore } from "./journal-store.ts";
import type { PortalStore } from "./portal-store.ts";
import type { Upkeep } from "./upkeep.ts";

/** Thrown when a lease is no longer the holder's: stop, write nothing more. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Thrown when a call does not fit what is stored, so that repeating it is of no use. Nothing of it happened. */
export class Contradiction extends Error {
  override readonly name = "Contradiction";
}

/** Portal and agent in one process. */
export interface Store extends PortalStore, JournalStore, Upkeep {}
