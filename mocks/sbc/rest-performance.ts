import { rowsOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe, isFirmwareAtLeast } from "./rest-route.ts";
import { tableNamed } from "./tables.ts";

/** Application, group, entity and figures (paths as public clients use them; the choice is invented). */
const figures: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sbc: {
    "callStats/global": ["abnormalTerminatedCallsInTotal", "activeCallsIn", "activeCallsOut", "attemptedCallsInTotal"],
    "callStats/ipGroup": ["activeCallsIn", "activeCallsOut", "answerSeizureRatio"],
    "callStats/srd": ["activeCallsIn", "activeCallsOut"],
  },
  media: { "mediaStats/global": ["mediaLegs"] },
  network: { "haStats/global": ["haSyncState"] },
  system: {
    "cpuStats/cpu": ["cpuUtilization"],
    "licenseStats/global": ["licenseSbcSessionUsage"],
    "storageStats/partition": ["storageUsage"],
  },
};
/** Ratios have no value while nothing happens. */
const idle = new Set(["answerSeizureRatio"]);
const intervals = [0, 1, 2];

/** `/kpi` of 7.4, or `/performanceMonitoring` of 7.2. */
export function performanceRoutes(device: Device): Route[] {
  const monitoring = (path: string, handle: Method["handle"]): Route => ({
    path,
    methods: { GET: { level: "monitor", handle } },
  });
  if (!isFirmwareAtLeast(device, "7.40")) {
    return [
      monitoring("performanceMonitoring", () => ({ status: 200, json: { items: ["activeCalls"] } })),
      monitoring("performanceMonitoring/*", measure),
    ];
  }
  return [
    monitoring("kpi", () => ({
      status: 200,
      json: { items: ["current", "history"].map((id) => ({ id, url: `/api/v1/kpi/${id}` })) },
    })),
    monitoring("kpi/current/**", (request) => answer(device, request, "current")),
    monitoring("kpi/history/**", (request) => answer(device, request, "history")),
  ];
}

function measure(request: RestRequest): RestAnswer {
  if (request.parameters[0] !== "activeCalls") return describe(404, "Unknown figure");
  const index = request.query.get("index");
  if (index === null) return { status: 200, json: { indexes: [0] } };
  const interval = request.query.get("interval") ?? "0";
  if (index !== "0" || !["0", "1", "2"].includes(interval)) return describe(400, "Invalid query");
  const zero = { value: 0, min: 0, max: 0, average: 0, volume: 0, total: 0 };
  const times = { time_above_high: 0, time_between_high_low: 0, time_below_low: 0 };
  return { status: 200, json: { index: 0, ...zero, ...times } };
}

interface Item {
  readonly id: string;
  readonly [field: string]: unknown;
}

function answer(device: Device, request: RestRequest, kind: "current" | "history"): RestAnswer {
  const limit = request.query.get("limit");
  if (limit !== null && !/^[1-9]\d*$/.test(limit)) return describe(400, "Invalid query");
  const path = request.parameters.filter((part) => part !== "");
  const items = listItems(device, path, `/api/v1/kpi/${kind}`, request.query.get("detailed") === "true");
  if (items === undefined) return describe(404, "Invalid path");
  if (kind === "history" && request.query.has("interval")) return answerHistory(items, request.query.get("interval"));
  const wanted = request.query.get("kpi") ?? request.query.get("id");
  return cutPage(
    items.filter((item) => wanted === null || item.id === wanted),
    request.query,
    limit === null ? 100 : Number(limit),
  );
}

function answerHistory(items: readonly Item[], interval: string | null): RestAnswer {
  if (interval !== "all") return items.length === 0 ? { status: 204 } : { status: 200, json: { items } };
  return { status: 200, json: { items: intervals.map((index) => ({ interval: String(index), value: "0" })) } };
}

function cutPage(items: readonly Item[], query: URLSearchParams, limit: number): RestAnswer {
  const start = Number(query.get("after") ?? 0);
  const page = items.slice(start, start + limit);
  if (page.length === 0) return { status: 204 };
  const end = start + page.length;
  return {
    status: 200,
    json: {
      items: page,
      cursor: {
        start: String(start),
        before: start > 0 ? String(Math.max(0, start - limit)) : "-1",
        after: end < items.length ? String(end) : "-1",
        end: String(end - 1),
      },
    },
  };
}

/** What stands below a path: applications, groups, entities, ids, figures, or one figure; undefined when it is wrong. */
function listItems(
  device: Device,
  path: readonly string[],
  base: string,
  detailed: boolean,
): readonly Item[] | undefined {
  const url = (id: string) => [base, ...path, id].join("/");
  const link = (id: string): Item => ({ id, url: url(id) });
  const [application, group, entity, ...rest] = path;
  if (application === undefined) {
    return Object.entries(figures).map(([id, groups]) => ({ ...link(id), groups: groupsOf(groups) }));
  }
  const groups = figures[application];
  if (groups === undefined) return undefined;
  if (group === undefined) return groupsOf(groups).map(link);
  const entities = Object.keys(groups).filter((key) => key.startsWith(`${group}/`));
  if (entities.length === 0) return undefined;
  if (entity === undefined) return entities.map((key) => link(key.slice(group.length + 1)));
  const names = groups[`${group}/${entity}`];
  if (names === undefined) return undefined;
  const ids = idsOf(device, entity);
  const [id, figure] = entity === "global" ? [undefined, rest[0]] : rest;
  if (entity !== "global" && id === undefined) return ids.map(link);
  if (id !== undefined && !ids.includes(id)) return undefined;
  const shown = figure === undefined ? names : names.filter((name) => name === figure);
  if (figure !== undefined && shown.length === 0) return undefined;
  const urlOf = (name: string) => (figure === undefined ? url(name) : [base, ...path].join("/"));
  return shown.map((name) => ({
    id: name,
    name,
    description: name,
    url: urlOf(name),
    value: idle.has(name) ? null : 0,
    ...(detailed ? { type: "gauge" } : {}),
  }));
}

function groupsOf(groups: Readonly<Record<string, unknown>>): string[] {
  return [...new Set(Object.keys(groups).map((key) => key.split("/")[0] ?? ""))];
}

function idsOf(device: Device, entity: string): string[] {
  const table = entity === "ipGroup" ? "IPGroup" : entity === "srd" ? "SRD" : undefined;
  return table === undefined ? ["0"] : rowsOf(device.running, tableNamed(table)).map((row) => String(row.index));
}
