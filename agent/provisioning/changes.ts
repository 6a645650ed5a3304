import type { DeviceConfig, Fields, Row } from "../../drivers/driver.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { LinkWithSecrets } from "../store/model.ts";
import type { Intent, IntentRow } from "./intent.ts";
import type { PlannedIntent } from "./needs.ts";
import { describeRow, indexRows, nameOf, schemaOf } from "./observed.ts";
import { planRemoval, rowsOf, standingRows, type Leaver } from "./removal.ts";
import type { Rendering, Subject } from "./render-intent.ts";
import { namedSecrets, secretsWritten } from "./secret-hashes.ts";

/** A change of a linked customer, as its device will be led through it. */
export interface PlannedChange {
  planned: PlannedIntent;
  /** The rows that the new intent lacks, to be removed when the others stand. */
  leftOver: Leaver;
  /** The link as it will be, with the secrets that are known of it. */
  link: LinkWithSecrets;
}

export interface ChangeContext {
  withoutTags: boolean;
  hash(text: string): string;
  /** Of secrets only the names are told. */
  struckOut: boolean;
  render(subject: Subject, blueprint: string): Rendering;
}

/** The link of a customer with what a change gives anew. A variable that is given empty is taken away. */
function changedLink({ link, change, secrets }: ClaimedAmendment): LinkWithSecrets {
  const given = { ...link.variables, ...change?.variables };
  const variables: Fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
  return {
    ...link,
    proxySet: change?.proxySet ?? link.proxySet,
    variables,
    secrets: { ...link.secrets, ...secrets },
  };
}

const sameRow = (a: IntentRow, b: IntentRow): boolean =>
  a.table === b.table && a.name.toLowerCase() === b.name.toLowerCase();

/** The rows of `rows` that `others` does not have. */
export function rowsBeyond(rows: readonly IntentRow[], others: readonly IntentRow[]): IntentRow[] {
  return rows.filter((row) => !others.some((other) => sameRow(row, other)));
}

/** Renders a change, and refuses one whose left-over rows could not be removed, before anything is written. */
export function planChange(
  amendment: ClaimedAmendment,
  config: DeviceConfig,
  context: ChangeContext,
): PlannedChange | { refused: string } {
  const { customerGuid, tenantId, sent } = amendment;
  const old = amendment.link.intent;
  const link = changedLink(amendment);
  const subject = { ...link, secrets: namedSecrets(link) };
  const rendering = context.render(subject, amendment.change?.blueprint ?? old.blueprint.name);
  if ("refused" in rendering) return { refused: rendering.refused.join("; ") };
  const { intent } = rendering;
  const leftOver: Leaver = { customer: customerGuid, tenantId, rows: rowsBeyond(old.rows, intent.rows) };

  const options = { withoutTags: context.withoutTags, made: [], others: rowsOf([]) };
  const standing = standingRows(indexRows(config), leftOver);
  const reason =
    planRemoval(config, [{ ...leftOver, staying: intent.rows }], options).blocked.get(customerGuid) ??
    (amendment.change?.endCalls === true ? undefined : consentWanted(standing));
  const leaving = leftOver.rows.filter(({ role }) => role === "own");
  // What was begun cannot be taken back any more: it waits for the reason to go.
  const begun = sent && standing.length < leaving.length;
  if (reason !== undefined && !begun) return { refused: reason };
  return { planned: plannedOf(amendment, intent, link, context), leftOver, link: { ...link, intent } };
}

function consentWanted(leaving: readonly Row[]): string | undefined {
  const ending = leaving.filter(({ table }) => schemaOf(table).deleteEndsCalls === true);
  if (ending.length === 0) return undefined;
  const rows = ending.map((row) => describeRow(row, nameOf(row))).join(", ");
  return `deleting ${rows}, which the customer would not need any more, ends active calls and needs consent: repeat with --end-calls (\`endCalls\`: true)`;
}

function plannedOf(
  { link: { intent: old, secretHashes }, secrets, change }: ClaimedAmendment,
  intent: Intent,
  link: LinkWithSecrets,
  { hash, struckOut }: ChangeContext,
): PlannedIntent {
  const written = secretsWritten(hash, { ...link, secretHashes }, struckOut);
  if (struckOut) for (const variable of Object.keys(secrets)) written.delete(variable);
  return {
    intent,
    linked: true,
    changing: { endCalls: change?.endCalls === true },
    newRows: rowsBeyond(intent.rows, old.rows),
    secrets: link.secrets,
    secretsWritten: written,
  };
}

/**
 * What leads a customer whose change was taken back to the secrets that its link knows, and to the rows that are missing
 * by now; nothing else of it. Undefined where nothing of that can be amiss.
 */
export function planRestoring(
  { link, secrets, sent }: ClaimedAmendment,
  config: DeviceConfig,
  hash: (text: string) => string,
): PlannedIntent | undefined {
  const changed = Object.keys(secrets).filter(
    (variable) => hash(secrets[variable] ?? "") !== link.secretHashes[variable],
  );
  const observed = indexRows(config);
  const rows = link.intent.rows.flatMap((row): IntentRow[] => {
    if (row.role === "shared") return [];
    if (observed.byName(row.table, row.name) === undefined) return sent ? [row] : [];
    const fields = Object.entries(row.secretFields).filter(([, variable]) => changed.includes(variable));
    return fields.length === 0 ? [] : [{ ...row, fields: {}, secretFields: Object.fromEntries(fields) }];
  });
  if (rows.length === 0) return undefined;
  const written = secretsWritten(hash, link, false);
  for (const variable of changed) written.delete(variable);
  return { intent: { ...link.intent, rows }, linked: true, secrets: link.secrets, secretsWritten: written };
}
