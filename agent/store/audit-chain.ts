/** An entry of the audit trail as it is stored. */
export interface ChainedEntry {
  seq: number;
  at: number;
  event: string;
  device: string | null;
  taskId: string | null;
  who: string;
  /** JSON, as it was written. */
  data: string;
  /** Hash of the entry before; null in entries that are older than the chain. */
  previous: string | null;
  hash: string | null;
}

type Sign = (text: string) => string;

/** What the first entry of a trail follows. */
export const chainStart = "start";
/** The event of the entry that vouches for those from before the chain. */
export const coverEvent = "chain";

/** The hash of an entry, over all that it says and its predecessor's hash. */
export function signEntry(sign: Sign, entry: Omit<ChainedEntry, "hash">): string {
  const { previous, seq, at, event, device, taskId, who, data } = entry;
  return sign(JSON.stringify([previous, seq, at, event, device, taskId, who, data]));
}

/** What the covering entry says of the entries from before the chain, which must come in their order. */
export function coverEntries(sign: Sign, entries: Iterable<ChainedEntry>): { entries: number; digest: string } {
  let count = 0;
  let digest = chainStart;
  for (const entry of entries) {
    count += 1;
    digest = signEntry(sign, { ...entry, previous: digest });
  }
  return { entries: count, digest };
}

export interface Fault {
  /** Of the first entry that is not as it was written, or of the first that is missing. */
  seq: number;
  kind: "changed" | "missing" | "reordered" | "inserted" | "not expected" | "unlisted";
  message: string;
}

/**
 * What was found. With a fault, the numbers and the head are those of the sound entries before it; where one is only
 * `unlisted`, all entries are sound.
 */
export interface TrailVerdict {
  entries: number;
  /** Of these, how many were written before there was a chain; covered since `coveredAt`. */
  covered: number;
  coveredAt: number | null;
  firstAt: number | null;
  lastAt: number | null;
  head: { seq: number; hash: string } | null;
  fault: Fault | null;
}

/** How far off an entry is looked for that stands in another's place. */
const reachOfMoves = 1_000;

/**
 * Verifies a trail: its entries in the order of `seq`, and the last `seq` that was ever given out. `expected` is a head
 * that was noted earlier: without it, nothing shows that entries at the end were cut off by somebody who knew how.
 */
export function verifyTrail(
  entries: Iterable<ChainedEntry>,
  sign: Sign,
  lastSeq: number,
  expected?: { seq: number; hash: string },
): TrailVerdict {
  const verdict: TrailVerdict = {
    entries: 0,
    covered: 0,
    coveredAt: null,
    firstAt: null,
    lastAt: null,
    head: null,
    fault: null,
  };
  const cover = { entries: 0, digest: chainStart };
  let uncovered: ChainedEntry | undefined;
  let doubted: ChainedEntry | undefined;
  let metExpected = expected === undefined;

  const before = (): { seq: number; hash: string } => verdict.head ?? { seq: cover.entries, hash: chainStart };
  const withFault = (seq: number, kind: Fault["kind"], message: string): TrailVerdict => ({
    ...verdict,
    fault: { seq, kind, message },
  });

  for (const entry of entries) {
    if (doubted !== undefined) return { ...verdict, fault: faultOf(doubted, before(), sign, entry) };
    if (entry.hash === null && verdict.head === null) {
      uncovered ??= entry;
      cover.digest = signEntry(sign, { ...entry, previous: cover.digest });
      cover.entries += 1;
    } else if (!isSound(entry, before().hash, sign)) {
      if (uncovered !== undefined && verdict.head === null && entry.previous !== chainStart) break;
      // Its neighbour tells more of what happened to it.
      doubted = entry;
      continue;
    } else {
      if (verdict.head === null && (uncovered !== undefined || entry.event === coverEvent)) {
        if (entry.event !== coverEvent) break;
        if (entry.data !== JSON.stringify(cover))
          return withFault(
            uncovered?.seq ?? 1,
            uncovered === undefined ? "missing" : "changed",
            `the entries before entry ${entry.seq} are not those that it vouches for`,
          );
        verdict.covered = cover.entries;
        verdict.coveredAt = entry.at;
      }
      verdict.head = { seq: entry.seq, hash: entry.hash ?? "" };
    }
    verdict.entries += 1;
    verdict.firstAt ??= entry.at;
    verdict.lastAt = entry.at;
    if (entry.seq === expected?.seq) {
      if (entry.hash !== expected.hash)
        return withFault(entry.seq, "not expected", "this entry is sound, but not the one whose hash was noted");
      metExpected = true;
    }
  }
  if (doubted !== undefined) return { ...verdict, fault: faultOf(doubted, before(), sign) };
  const { seq } = before();
  if (verdict.head === null && uncovered !== undefined)
    return withFault(uncovered.seq, "inserted", "no entry of the chain vouches for this one and those after it");
  if (lastSeq > seq) return withFault(seq + 1, "missing", missing(seq + 1, lastSeq));
  if (!metExpected && expected !== undefined)
    return withFault(seq + 1, "missing", missing(seq + 1, Math.max(seq + 1, expected.seq)));
  return verdict;
}

function isSound(entry: ChainedEntry, previous: string, sign: Sign): boolean {
  return entry.previous === previous && entry.hash === signEntry(sign, entry);
}

const missing = (from: number, to: number): string =>
  from === to ? `entry ${from} is gone` : `entries ${from} to ${to} are gone`;

/** What is wrong with an entry that does not follow `before`; `next` stands after it. */
function faultOf(entry: ChainedEntry, before: { seq: number; hash: string }, sign: Sign, next?: ChainedEntry): Fault {
  const { seq, hash, previous } = entry;
  if (hash === null) return { seq, kind: "inserted", message: "it has no hash: it was not written by this agent" };
  if (hash === signEntry(sign, entry)) {
    if (seq > before.seq + 1)
      return { seq: before.seq + 1, kind: "missing", message: missing(before.seq + 1, seq - 1) };
    return {
      seq,
      kind: "missing",
      message: "it follows an entry that does not stand before it: another copy of the trail went on here",
    };
  }
  const place = placeOf(entry, sign);
  if (place !== undefined)
    return {
      seq,
      kind: "reordered",
      message: `it was written as entry ${place}: entries were swapped, or taken out or put in before it`,
    };
  if (next !== undefined && next.previous === before.hash && hash !== before.hash)
    return { seq, kind: "inserted", message: "the entry after it follows the one before it" };
  return {
    seq,
    kind: "changed",
    message:
      previous === before.hash
        ? "it does not say any more what was written, or was not written by this agent"
        : "neither what it says nor what it follows is what was written",
  };
}

function placeOf(entry: ChainedEntry, sign: Sign): number | undefined {
  for (let seq = Math.max(1, entry.seq - reachOfMoves); seq <= entry.seq + reachOfMoves; seq += 1)
    if (entry.hash === signEntry(sign, { ...entry, seq })) return seq;
  return undefined;
}
