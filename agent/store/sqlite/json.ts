import { z } from "zod";
import type { Change } from "../amendment.ts";
import type { ExecutionMessage, Link, RecordedChange, RecordedCreate } from "../model.ts";
import {
  driftEvidenceShape as drift,
  fieldsShape as fields,
  intentShape as intent,
  tableShape as table,
} from "../shapes.ts";

/** A task's message as stored: `progress` ones give way to the `result` when the task ends. */
export interface StoredMessage extends ExecutionMessage {
  kind: "progress" | "result";
}

const texts = z.array(z.string());

const messages: z.ZodType<StoredMessage[]> = z.array(
  z.object({
    kind: z.enum(["progress", "result"]),
    level: z.enum(["Information", "Warning", "Error"]),
    message: z.string(),
  }),
);

const place = { table, index: z.number(), parent: z.number().exactOptional(), name: z.string() };
const creates: z.ZodType<RecordedCreate[]> = z.array(
  z.object({ ...place, fields, absentIn: z.string(), customers: texts }),
);
const changes: z.ZodType<RecordedChange[]> = z.array(
  z.object({ ...place, before: fields, sent: z.record(z.string(), texts).optional(), customers: texts }),
);
const change: z.ZodType<Change> = z.object({
  proxySet: z.string().exactOptional(),
  blueprint: z.string().exactOptional(),
  variables: fields,
  endCalls: z.literal(true).exactOptional(),
});
const link: z.ZodType<Link> = z.object({
  customerGuid: z.string(),
  tenantId: z.string(),
  shortName: z.string(),
  device: z.string(),
  gateway: z.string(),
  intent,
  variables: fields,
  proxySet: z.string(),
  fullName: z.string(),
  secretHashes: fields,
  linkedAt: z.number(),
});
const data: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());

/** The only way back from a JSON column. Each throws an Error for text that another program, or a defect, put there. */
export const readJson = {
  texts: reader(texts),
  fields: reader(fields),
  messages: reader(messages),
  intent: reader(intent),
  creates: reader(creates),
  changes: reader(changes),
  change: reader(change),
  link: reader(link),
  data: reader(data),
  drift: reader(drift),
};

function reader<T>(schema: z.ZodType<T>): (text: string) => T {
  return (text) => {
    const result = schema.safeParse(parse(text));
    if (!result.success)
      throw new Error(`a row of the store does not hold what it should: ${z.prettifyError(result.error)}`);
    return result.data;
  };
}

// Without the parser's own words: they quote the text, which may be secret.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("a row of the store does not hold what it should: it is not JSON");
  }
}
