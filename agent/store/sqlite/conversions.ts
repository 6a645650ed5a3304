import { randomUUID } from "node:crypto";
import type { Sealer } from "../seal.ts";
import type { Queue } from "../portal-store.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toConversion, type ConversionRow } from "./rows.ts";
import { openFields, sealFields } from "./sealed-fields.ts";
import type { Tasks } from "./tasks.ts";
import type { Turns } from "./turns.ts";
import { reach } from "../../fail-points.ts";

type Part = Pick<
  Store,
  | "accept"
  | "judge"
  | "task"
  | "conversion"
  | "conversionWithSecrets"
  | "noteProgress"
  | "sites"
  | "queues"
  | "namedDevices"
>;

export function keepConversions(
  { db, now, write }: Connection,
  tasks: Tasks,
  turns: Turns,
  sealer: Sealer,
  deadlineMs: number,
): Part {
  const insert = db.prepare(
    `INSERT INTO conversions (task_id, tenant_id, customer_guid, variant, short_name, full_name, gateway, proxy_set,
       variables, secrets, device, state, accepted_at, deadline_at)
     VALUES (@taskId, @tenantId, @customerGuid, @variant, @shortName, @fullName, @gateway, @proxySet,
       @variables, @secrets, @device, 'waiting', @acceptedAt, @deadlineAt)`,
  );
  const byTask = db.prepare<[string], ConversionRow>("SELECT * FROM conversions WHERE task_id = ?");
  const sites = db.prepare<[number], ConversionRow>(
    "SELECT * FROM conversions WHERE state = 'site' ORDER BY seq LIMIT ?",
  );
  const queues = db.prepare<[], Queue>(
    `SELECT device, sum(state = 'ready') AS waiting, sum(state = 'ready' AND amends) AS amendments,
       sum(state = 'owed') AS owed, min(accepted_at) AS oldestAcceptedAt, max(arrival) AS arrived
     FROM (SELECT device, state, accepted_at, arrival, 0 AS amends FROM conversions WHERE state = 'ready'
       UNION ALL SELECT device, state, accepted_at, arrival, 1 FROM amendments WHERE state <> 'ended')
     GROUP BY device ORDER BY device`,
  );

  const named = db.prepare<[], { device: string }>(
    `SELECT device FROM links
     UNION SELECT device FROM conversions WHERE state <> 'ended' AND device IS NOT NULL
     UNION SELECT device FROM amendments WHERE state <> 'ended'
     UNION SELECT device FROM run_records WHERE state <> 'saved'
     ORDER BY device`,
  );

  return {
    async accept(conversion) {
      const taskId = `wst_${randomUUID()}`;
      const verdict = await write(() => {
        const acceptedAt = now();
        tasks.create(taskId, acceptedAt);
        insert.run({
          ...conversion,
          taskId,
          customerGuid: randomUUID(),
          tenantId: conversion.tenantId.toLowerCase(),
          variables: JSON.stringify(conversion.variables),
          secrets: sealFields(sealer, conversion.secrets),
          acceptedAt,
          deadlineAt: acceptedAt + deadlineMs,
        });
        const row = byTask.get(taskId);
        if (row === undefined) throw new Error(`conversion ${taskId} is not there after it was stored`);
        const taken = turns.take(row);
        reach("conversion-storing");
        return taken;
      });
      reach("conversion-stored");
      return { taskId, verdict };
    },

    async task(id) {
      return tasks.read(id);
    },

    async conversion(taskId) {
      const row = byTask.get(taskId);
      return row === undefined ? undefined : toConversion(row);
    },

    async conversionWithSecrets(taskId) {
      const row = byTask.get(taskId);
      return row === undefined ? undefined : { ...toConversion(row), secrets: openFields(sealer, row.secrets) };
    },

    async judge(conversion) {
      return turns.preview(conversion);
    },

    async noteProgress(taskIds, message) {
      await write(() => {
        for (const id of taskIds) tasks.note(id, message);
      });
    },

    async sites(max) {
      return sites.all(max).map(toConversion);
    },

    async queues() {
      return queues.all();
    },

    async namedDevices() {
      return named.all().map(({ device }) => device);
    },
  };
}
