import { z } from "zod";

const narrowing = {
  /** How often it strikes; without it, until cleared. */
  times: z.int().min(1).optional(),
  /** Strikes only requests whose decoded path and query hold this text, without case. */
  path: z.string().optional(),
  /** Strikes only requests with this method. */
  method: z.string().optional(),
};

function fault<N extends string, S extends z.ZodRawShape>(name: N, parameters: S) {
  return z.strictObject({ name: z.literal(name), ...narrowing, ...parameters });
}

/** With `processed` the request's work is done first. */
const processed = z.boolean().default(false);

/** All the trouble that the mock OVOC can make. */
const faultSchema = z.discriminatedUnion("name", [
  /** Answers 503. */
  fault("down", {}),
  /** Waits before it looks at the request. */
  fault("slow", { ms: z.number().min(0) }),
  /** Never answers. */
  fault("hang", { processed }),
  /** Destroys the connection. */
  fault("cut", { processed }),
  /** Answers with this status and a description. */
  fault("error", { status: z.int().min(400).max(599).default(500), processed }),
  /** The answer's JSON ends in the middle. */
  fault("malformed", {}),
  /** A list without a match is 200 with an empty list, or with no body, in place of 204. */
  fault("no-match", { answer: z.enum(["list", "nothing"]) }),
  /** Lists show everything, whatever the filter says. */
  fault("no-filter", {}),
]);

export type OvocFault = z.infer<typeof faultSchema>;
export type OvocFaultName = OvocFault["name"];
export type OvocFaultNamed<N extends OvocFaultName> = Extract<OvocFault, { name: N }>;

export interface OvocFaults {
  /** One fault or a list of them, as JSON text. Throws when it makes no sense, and then adds none. */
  add(order: string): void;
  list(): readonly OvocFault[];
  clear(): void;
  /** The first fault of that name that strikes this request, counted as one stroke. */
  take<N extends OvocFaultName>(name: N, request: { method: string; path: string }): OvocFaultNamed<N> | undefined;
}

export function createOvocFaults(): OvocFaults {
  let active: OvocFault[] = [];
  return {
    add(order) {
      const parsed: unknown = JSON.parse(order);
      active.push(...z.array(faultSchema).parse(Array.isArray(parsed) ? parsed : [parsed]));
    },
    list: () => active,
    clear() {
      active = [];
    },
    take<N extends OvocFaultName>(name: N, { method, path }: { method: string; path: string }) {
      const isMeant = (one: OvocFault): one is OvocFaultNamed<N> =>
        one.name === name &&
        (one.path === undefined || path.toLowerCase().includes(one.path.toLowerCase())) &&
        (one.method === undefined || one.method.toUpperCase() === method);
      const found = active.find(isMeant);
      if (found?.times !== undefined) {
        found.times -= 1;
        active = active.filter(({ times }) => times !== 0);
      }
      return found;
    },
  };
}
