import type { Alarm, Device } from "./device.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe } from "./rest-route.ts";

/** `/alarms`. */
export function alarmRoutes(device: Device): Route[] {
  const monitoring = (handle: Method["handle"]): Route["methods"] => ({ GET: { level: "monitor", handle } });
  return [
    {
      path: "alarms",
      methods: monitoring(() => ({
        status: 200,
        json: { items: ["active", "history"].map((id) => ({ id, url: `/api/v1/alarms/${id}` })) },
      })),
    },
    { path: "alarms/active", methods: monitoring((request) => list(device.alarms.active, "active", request)) },
    { path: "alarms/history", methods: monitoring((request) => list(device.alarms.history, "history", request)) },
    { path: "alarms/active/*", methods: monitoring((request) => one(device.alarms.active, "active", request)) },
    { path: "alarms/history/*", methods: monitoring((request) => one(device.alarms.history, "history", request)) },
  ];
}

function list(alarms: readonly Alarm[], kind: string, request: RestRequest): RestAnswer {
  const { items, after, before } = cutPage(alarms, request.query);
  if (items.length === 0) return { status: 204 };
  return {
    status: 200,
    json: {
      alarms: items.map(({ id, description }) => ({ id, description, url: `/api/v1/alarms/${kind}/${id}` })),
      cursor: { after, before },
    },
  };
}

function one(alarms: readonly Alarm[], kind: string, request: RestRequest): RestAnswer {
  const alarm = alarms.find(({ id }) => id === request.parameters[0]);
  if (alarm === undefined) return describe(404, "Alarm not found");
  const { oid, ...shown } = alarm;
  const extra = request.query.get("oid") === "1" ? { oid } : {};
  return { status: 200, json: { ...shown, ...extra, url: `/api/v1/alarms/${kind}/${alarm.id}` } };
}

/** One page of a list; a cursor is the id where the next page goes on, "-1" when there is none. */
function cutPage(
  alarms: readonly Alarm[],
  query: URLSearchParams,
): { items: readonly Alarm[]; after: string; before: string } {
  const limit = Math.max(1, Number(query.get("limit") ?? 20) || 20);
  const after = query.get("after");
  const before = query.get("before");
  const position = (id: string) => alarms.findIndex((alarm) => alarm.id === id);
  let start = 0;
  if (after !== null) start = position(after) + 1;
  else if (before !== null) start = Math.max(0, position(before) - limit);
  if (after !== null && start === 0) return { items: [], after: "-1", before: "-1" };
  const items = alarms.slice(start, start + limit);
  const hasMore = start + limit < alarms.length;
  return {
    items,
    after: hasMore ? (items.at(-1)?.id ?? "-1") : "-1",
    before: start > 0 ? (items[0]?.id ?? "-1") : "-1",
  };
}
