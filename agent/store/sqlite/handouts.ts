import type { ClaimedAmendment } from "../amendment.ts";
import type { LinkWithSecrets } from "../model.ts";
import type { Sealer } from "../seal.ts";
import type { Connection } from "./connection.ts";
import { readJson } from "./json.ts";
import { toAmendment, toLink, type AmendmentRow, type LinkRow } from "./rows.ts";
import { openFields } from "./sealed-fields.ts";

/** What the holder of a device gets beside its conversions. All of it is called inside a transaction. */
export interface Handouts {
  /** Those of an earlier lease are nobody's. */
  takeBack: (device: string) => void;
  /** The oldest open amendment of each customer, at most `max`, and all that are owed; theirs from now on. */
  handOut: (device: string, fence: number, max: number) => ClaimedAmendment[];
  /** As a claim would give them, without those that the fence holds. */
  peek: (device: string, fence: number | undefined) => ClaimedAmendment[];
  /** All of the device but those that are being removed. */
  links: (device: string) => LinkWithSecrets[];
}

export function openHandouts({ db }: Connection, sealer: Sealer): Handouts {
  const takeBack = db.prepare<[string]>("UPDATE amendments SET fence = NULL WHERE device = ? AND fence IS NOT NULL");
  const give = db.prepare<[number, number]>("UPDATE amendments SET fence = ? WHERE seq = ?");
  // `state <> 'ended'` is what the partial indexes go by.
  const ready = db.prepare<[string, number], AmendmentRow>(
    `SELECT * FROM amendments AS one
     WHERE device = ? AND state = 'ready' AND state <> 'ended' AND NOT EXISTS (
       SELECT 1 FROM amendments AS older
       WHERE older.customer_guid = one.customer_guid AND older.device = one.device
         AND older.state = 'ready' AND older.state <> 'ended' AND older.seq < one.seq)
     ORDER BY seq LIMIT ?`,
  );
  const owed = db.prepare<[string], AmendmentRow>(
    "SELECT * FROM amendments WHERE device = ? AND state = 'owed' AND state <> 'ended' ORDER BY seq",
  );
  const linkOf = db.prepare<[string, string], LinkRow>("SELECT * FROM links WHERE customer_guid = ? AND device = ?");
  const holder = db.prepare<[string, string], { tenant_id: string }>(
    "SELECT tenant_id FROM names WHERE device = ? AND name = lower(?)",
  );
  const linksOf = db.prepare<[string], LinkRow>(
    `SELECT * FROM links WHERE device = ? AND NOT EXISTS (
       SELECT 1 FROM amendments
       WHERE amendments.customer_guid = links.customer_guid AND amendments.device = links.device
         AND kind = 'removal' AND state <> 'ended')
     ORDER BY seq`,
  );

  const withSecrets = (row: LinkRow): LinkWithSecrets => ({ ...toLink(row), secrets: openFields(sealer, row.secrets) });

  function linkFor(row: AmendmentRow): LinkWithSecrets {
    // What is only to be deleted needs no secret.
    if (row.link !== null) return { ...readJson.link(row.link), secrets: {} };
    const link = linkOf.get(row.customer_guid, row.device);
    if (link === undefined) throw new Error(`the customer of ${row.task_id} has no link on ${row.device}`);
    return withSecrets(link);
  }

  const toClaimed = (row: AmendmentRow): ClaimedAmendment => ({
    ...toAmendment(row),
    link: linkFor(row),
    secrets: openFields(sealer, row.secrets),
    superseded: row.state === "owed" && holder.get(row.device, row.short_name)?.tenant_id === row.tenant_id,
  });

  const waiting = (device: string, max: number): AmendmentRow[] =>
    [...ready.all(device, max), ...owed.all(device)].sort((one, other) => one.seq - other.seq);

  return {
    takeBack: (device) => void takeBack.run(device),
    handOut(device, fence, max) {
      if (max === 0) return [];
      const rows = waiting(device, max);
      for (const { seq } of rows) give.run(fence, seq);
      return rows.map(toClaimed);
    },
    peek: (device, fence) =>
      waiting(device, -1)
        .filter((row) => row.fence === null || row.fence !== fence)
        .map(toClaimed),
    links: (device) => linksOf.all(device).map(withSecrets),
  };
}
