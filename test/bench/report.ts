import type { AcceptanceFigures, StoreFigures } from "./acceptance.ts";
import type { ConversionFigures, Way } from "./conversions.ts";
import type { DriftFigures } from "./drift.ts";
import type { IsolationFigures, Times } from "./isolation.ts";
import type { Line } from "./bench.ts";
import type { PlanningFigures } from "./planning.ts";
import type { ReadinessFigures } from "./readiness.ts";

export interface Machine {
  cpu: string;
  cores: number;
  memoryMb: number;
  node: string;
  /** 1-minute load average when the bench began: what else ran. */
  load: number;
}

/** All that was measured; what was left out is absent. */
export interface Figures {
  machine: Machine;
  line: Line;
  conversions: ConversionFigures[];
  isolation?: IsolationFigures;
  drift?: DriftFigures;
  planning?: PlanningFigures;
  acceptance?: AcceptanceFigures;
  store?: StoreFigures;
  readiness?: ReadinessFigures;
}

interface Target {
  text: string;
  isMet: boolean;
}

interface Row {
  figure: string;
  measured: string;
  target?: Target;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const precise = (value: number): string => value.toFixed(2);
const range = ({ min, max }: { min: number; max: number }): string => (min === max ? `${min}` : `${min} to ${max}`);

const atMost = (value: number, limit: number, unit: string): Target => ({
  text: `at most ${limit}${unit === "" ? "" : ` ${unit}`}`,
  isMet: value <= limit,
});

export function describeWay({ driver, ownProxySets, blindRows }: Way): string {
  return `${driver}${blindRows ? " with blind rows" : ""}, ${ownProxySets ? "own Proxy Sets" : "shared Proxy Set"}`;
}

/** What a run over SSH is to take at most, in milliseconds; nothing is promised of blind rows. */
function shellTarget({
  customers,
  driver,
  ownProxySets,
  blindRows,
  afterAcceptanceMs,
}: ConversionFigures): Target | undefined {
  if (driver !== "ssh" || blindRows) return undefined;
  if (customers === 50) return atMost(afterAcceptanceMs, 1_800, "ms");
  if (customers === 1_000) return atMost(afterAcceptanceMs, ownProxySets ? 17_000 : 11_000, "ms");
  return undefined;
}

function timeRow(of: string, one: ConversionFigures): Row {
  const { floor, ratio, customers, afterAcceptanceMs } = one;
  const measured = `${whole(afterAcceptanceMs)} ms`;
  if (floor === undefined || ratio === undefined) {
    const target = shellTarget(one);
    return {
      figure: `${of}: wall time after the last acceptance`,
      measured,
      ...(target === undefined ? {} : { target }),
    };
  }
  return {
    figure: `${of}: wall time after the last acceptance ÷ floor`,
    measured: `${measured} ÷ ${whole(floor.ms)} ms = ${precise(ratio)}`,
    ...(customers > 1 ? { target: atMost(ratio, 1.15, "") } : {}),
  };
}

function conversionRows(one: ConversionFigures): Row[] {
  const { customers, shape, driver, floor, timeline, resync } = one;
  const of = `${whole(customers)} ${customers === 1 ? "conversion" : "conversions"}, ${shape}, ${describeWay(one)}`;
  const parts = [
    `${whole(timeline.beforeMs)} before the first connection`,
    `${whole(timeline.waitingMs)} in ${timeline.exchanges} exchanges`,
    `${whole(timeline.agentMs)} between them`,
    `${whole(timeline.afterMs)} after the last`,
  ];
  return [
    timeRow(of, one),
    { figure: `${of}: where that time went (device that ended last), ms`, measured: parts.join(", ") },
    ...(floor === undefined
      ? []
      : [{ figure: `${of}: the same runs by a bare client`, measured: `${whole(floor.bareMs)} ms` }]),
    {
      figure: `${of}: from the first POST, and rate`,
      measured: `${whole(one.wallMs)} ms (accepted in ${whole(one.acceptanceMs)} ms), ${whole(one.perSecond)} per second`,
    },
    driver === "ssh"
      ? {
          figure: `${of}: log-ins, lines, saves per device`,
          measured: [one.loginsPerDevice, one.linesPerDevice, one.savesPerDevice].map(range).join(", "),
        }
      : {
          figure: `${of}: requests, uploads, saves per device`,
          measured: [one.requestsPerDevice, one.uploadsPerDevice, one.savesPerDevice].map(range).join(", "),
        },
    ...one.processes.map(({ role, cpuSeconds, peakRssMb }) => ({
      figure: `${of}: CPU and peak RSS of the ${role} process`,
      measured: `${precise(cpuSeconds)} s, ${whole(peakRssMb)} MB`,
      target: atMost(peakRssMb, 150, "MB"),
    })),
    {
      figure: `${of}: re-sync of all devices`,
      measured: `${resync.inSync} in sync, ${resync.writes} writes, ${resync.saves} saves,${driver === "ssh" ? "" : ` ${range(resync.requestsPerDevice)} requests per device,`} ${whole(resync.wallMs)} ms`,
      target: { text: "0 writes, 0 saves", isMet: resync.writes + resync.saves === 0 },
    },
  ];
}

const shares = ({ p50Ms, p99Ms }: Times): string => `p50 ${whole(p50Ms)} ms, p99 ${whole(p99Ms)} ms`;

function rowsOf({ conversions, isolation, drift, planning, acceptance, store, readiness }: Figures): Row[] {
  const rows = conversions.flatMap(conversionRows);
  if (isolation !== undefined)
    rows.push({
      figure: `POST to end of ${whole(isolation.conversions)} conversions on ${isolation.devices - 2} of ${isolation.devices} devices, ${isolation.shape}`,
      measured: `all devices well: ${shares(isolation.without)}; the other two dead and dripping: ${shares(isolation.with)}`,
    });
  if (drift !== undefined)
    rows.push({
      figure: `drift check of one device, ${whole(drift.ipGroups)} IP Groups, ${drift.shape}`,
      measured: `${drift.drifted} of ${whole(drift.linked)} drifted, ${drift.requests} requests, ${whole(drift.wallMs)} ms, CPU ${precise(drift.cpuSeconds)} s, peak RSS ${whole(drift.peakRssMb)} MB (of the agent that had converted them: ${whole(drift.convertingPeakRssMb)} MB)`,
      target: atMost(drift.peakRssMb, 150, "MB"),
    });
  if (planning !== undefined)
    rows.push({
      figure: `parse and plan of ${whole(planning.ipGroups)} IP Groups, CPU`,
      measured: `${whole(planning.warmMs)} ms (parse ${whole(planning.warmParseMs)}, plan ${whole(planning.warmPlanMs)}); ${whole(planning.coldMs)} ms in a new process`,
      target: atMost(planning.warmMs, 300, "ms"),
    });
  if (acceptance !== undefined)
    rows.push({
      figure: `accepted durably over HTTP, ${acceptance.connections} connections`,
      measured: `${whole(acceptance.perSecond)} per second (${whole(acceptance.conversions)} in all, CPU ${precise(acceptance.cpuSeconds)} s)`,
      target: { text: "at least 3,000 per second", isMet: acceptance.perSecond >= 3_000 },
    });
  if (store !== undefined)
    rows.push({
      figure: "accepted durably by the store alone, asked for at once",
      measured: `${whole(store.perSecond)} per second (${whole(store.conversions)} in all)`,
      target: { text: "at least 3,000 per second", isMet: store.perSecond >= 3_000 },
    });
  if (readiness !== undefined)
    rows.push({
      figure: "start to ready",
      measured: `${whole(readiness.medianMs)} ms (median of ${readiness.startsMs.length}; the first one ${whole(readiness.startsMs[0] ?? 0)} ms)`,
      target: { text: "at most 1 s", isMet: readiness.medianMs <= 1_000 },
    });
  return rows;
}

/** A Markdown table, with what it was measured on above it. */
export function printReport(figures: Figures): string {
  const { machine, line } = figures;
  const rows = rowsOf(figures).map(
    ({ figure, measured, target }) =>
      `| ${figure} | ${measured} | ${target === undefined ? "" : `${target.text}: ${target.isMet ? "met" : "missed"}`} |`,
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, ${whole(machine.memoryMb)} MB, node ${machine.node}; load at the start ${precise(machine.load)}.`,
    `The agent is the built product, run by node with default settings but for the portal's rate limit. Mock devices in one other process, each behind a relay: ${line.rttMs} ms round trip, ${line.saveMs} ms to save.`,
    "Floor: round trips, save and device time of one run, from the last acceptance on; lingering is part of the wall time and not of the floor.",
    "",
    "| figure | measured | target |",
    "| --- | --- | --- |",
    ...rows,
  ].join("\n");
}
