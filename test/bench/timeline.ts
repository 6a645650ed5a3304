import type { Moment } from "./relay.ts";

/** Where the time of one device's run went, as its relay saw it. Sums up to the wall time. */
export interface Timeline {
  /** From the last acceptance to the first connection: linger, claim. */
  beforeMs: number;
  /** At least one exchange was under way: line, set-up of connections, and the device. */
  waitingMs: number;
  /** No exchange was under way: the agent's own work between them. */
  agentMs: number;
  /** From the last answer to the end of the last task: completion, report. */
  afterMs: number;
  /** Exchanges that did not overlap with an earlier one. */
  exchanges: number;
}

interface Span {
  from: number;
  to: number;
}

/** Stretches of a connection in which the client waited: from what it sent first to the last answer before it sent again. */
function waits(moments: readonly Moment[]): Span[] {
  const spans: Span[] = [];
  let open: Span | undefined;
  let isAnswered = false;
  for (const { kind, atMs } of moments) {
    if (kind === "opened") continue;
    if (kind === "sent" && (open === undefined || isAnswered)) {
      open = { from: atMs, to: atMs };
      spans.push(open);
      isAnswered = false;
    } else if (kind === "answered" && open !== undefined) {
      open.to = atMs;
      isAnswered = true;
    }
  }
  return spans;
}

export function explain(moments: readonly Moment[], acceptedAtMs: number, endedAtMs: number): Timeline {
  const connections = new Set(moments.map(({ connection }) => connection));
  const spans = [...connections]
    .flatMap((one) => waits(moments.filter(({ connection }) => connection === one)))
    .sort((a, b) => a.from - b.from);
  const merged: Span[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  const first = merged[0]?.from ?? acceptedAtMs;
  const last = merged.at(-1)?.to ?? first;
  const waitingMs = merged.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    beforeMs: first - acceptedAtMs,
    waitingMs,
    agentMs: last - first - waitingMs,
    afterMs: endedAtMs - last,
    exchanges: merged.length,
  };
}
