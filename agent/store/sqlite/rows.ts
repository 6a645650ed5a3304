import type { Amendment } from "../amendment.ts";
import type { AuditEntry, Conversion, Customer, Lead, Link, RunRecord, Task } from "../model.ts";
import { readJson } from "./json.ts";

/** Rows as SQLite gives them; the schema in migrations.ts keeps these types true. */
export interface LeadRow {
  id: string;
  tenant_id: string;
  company_name: string;
  status: string;
  consentless: number;
  created_at: number;
  modified_at: number;
  ump_customer_guid: string | null;
}

export interface CustomerRow {
  guid: string;
  tenant_id: string;
  short_name: string;
  full_name: string;
  converted_at: number;
}

export interface LinkRow {
  customer_guid: string;
  tenant_id: string;
  short_name: string;
  device: string;
  gateway: string;
  intent: string;
  variables: string;
  proxy_set: string;
  full_name: string;
  secret_hashes: string;
  secrets: string | null;
  linked_at: number;
}

export interface TaskRow {
  id: string;
  status: Task["status"];
  details: string;
  messages: string;
  ump_customer_guid: string | null;
  created_at: number;
}

export interface ConversionRow {
  seq: number;
  task_id: string;
  tenant_id: string;
  customer_guid: string;
  variant: Conversion["variant"];
  short_name: string;
  full_name: string;
  gateway: string | null;
  proxy_set: string | null;
  variables: string;
  secrets: string | null;
  device: string | null;
  state: Conversion["state"];
  held_name: string | null;
  accepted_at: number;
  deadline_at: number;
  sent: number;
  fence: number | null;
  completion: string | null;
}

export interface AmendmentRow {
  seq: number;
  task_id: string;
  kind: Amendment["kind"];
  customer_guid: string;
  tenant_id: string;
  short_name: string;
  device: string;
  asked_by: string;
  change: string | null;
  secrets: string | null;
  link: string | null;
  state: Amendment["state"];
  accepted_at: number;
  sent: number;
  fence: number | null;
  completion: string | null;
  failed: number;
}

export interface RecordRow {
  id: string;
  run_id: string;
  device: string;
  fence: number;
  serial_number: string;
  state: RunRecord["state"];
  task_ids: string;
  creates: string;
  changes: string;
  written_at: number;
}

export interface AnnouncedRow {
  device: string;
  agent: string;
  identity: string;
  version: string;
  heard_at: number;
}

export interface AuditRow {
  at: number;
  event: string;
  device: string | null;
  task_id: string | null;
  who: string;
  data: string;
}

export function toLead(row: LeadRow): Lead {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    companyName: row.company_name,
    status: row.status,
    consentless: row.consentless === 1,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
    umpCustomerGuid: row.ump_customer_guid,
  };
}

export function toCustomer(row: CustomerRow): Customer {
  return {
    guid: row.guid,
    tenantId: row.tenant_id,
    shortName: row.short_name,
    fullName: row.full_name,
    convertedAt: row.converted_at,
  };
}

export function toLink(row: LinkRow): Link {
  return {
    customerGuid: row.customer_guid,
    tenantId: row.tenant_id,
    shortName: row.short_name,
    device: row.device,
    gateway: row.gateway,
    intent: readJson.intent(row.intent),
    variables: readJson.fields(row.variables),
    proxySet: row.proxy_set,
    fullName: row.full_name,
    secretHashes: readJson.fields(row.secret_hashes),
    linkedAt: row.linked_at,
  };
}

export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    status: row.status,
    details: readJson.texts(row.details),
    messages: readJson.messages(row.messages).map(({ level, message }) => ({ level, message })),
    umpCustomerGuid: row.ump_customer_guid,
    createdAt: row.created_at,
  };
}

export function toConversion(row: ConversionRow): Conversion {
  return {
    taskId: row.task_id,
    tenantId: row.tenant_id,
    customerGuid: row.customer_guid,
    variant: row.variant,
    shortName: row.short_name,
    fullName: row.full_name,
    gateway: row.gateway,
    proxySet: row.proxy_set,
    variables: readJson.fields(row.variables),
    device: row.device,
    state: row.state,
    acceptedAt: row.accepted_at,
    deadlineAt: row.deadline_at,
    sent: row.sent === 1,
  };
}

export function toAmendment(row: AmendmentRow): Amendment {
  return {
    taskId: row.task_id,
    kind: row.kind,
    customerGuid: row.customer_guid,
    tenantId: row.tenant_id,
    shortName: row.short_name,
    device: row.device,
    by: row.asked_by,
    change: row.change === null ? null : readJson.change(row.change),
    state: row.state,
    acceptedAt: row.accepted_at,
    sent: row.sent === 1,
  };
}

export function toRecord(row: RecordRow): RunRecord {
  return {
    id: row.id,
    runId: row.run_id,
    device: row.device,
    fence: row.fence,
    serialNumber: row.serial_number,
    state: row.state,
    taskIds: readJson.texts(row.task_ids),
    creates: readJson.creates(row.creates),
    changes: readJson.changes(row.changes),
    writtenAt: row.written_at,
  };
}

export function toAuditEntry(row: AuditRow): AuditEntry {
  return {
    at: row.at,
    event: row.event,
    device: row.device,
    taskId: row.task_id,
    who: row.who,
    data: readJson.data(row.data),
  };
}
