import { z } from "zod";

const narrowing = {
  /** How often it strikes; without it, until cleared. */
  times: z.int().min(1).optional(),
  /** Strikes only requests whose path holds this text. */
  path: z.string().optional(),
  /** Strikes only requests with this method. */
  method: z.string().optional(),
};

function fault<N extends string, S extends z.ZodRawShape>(name: N, parameters: S) {
  return z.strictObject({ name: z.literal(name), ...narrowing, ...parameters });
}

/** Every trouble this mock can make. A new one is one line here and one place that takes it. */
const faultSchema = z.discriminatedUnion("name", [
  /** Writes, save and reset answer 409. */
  fault("ha-sync", {}),
  /** Each request waits this long before it is looked at. */
  fault("slow", { ms: z.number().min(0) }),
  /** Each line of a script takes this long, and other requests run in between. */
  fault("slow-lines", { ms: z.number().min(0) }),
  /** The request is never answered; with `processed` its work is done first. */
  fault("hang", { processed: z.boolean().default(false) }),
  /** The answer leaves one byte at a time. */
  fault("drip", { ms: z.number().min(0).default(10) }),
  /** Received and processed, then the socket is destroyed. */
  fault("cut-after-request", {}),
  /** Received, not processed, and the socket is destroyed. */
  fault("cut-before-apply", {}),
  /** Only the first lines of a script run; then it is cut off, or answered as a success. */
  fault("half-applied", { lines: z.int().min(0), answer: z.enum(["cut", "success"]).default("cut") }),
  /** A script that went well answers 200 with another `status`. */
  fault("status-not-success", { status: z.string().default("failed"), output: z.string().default("Internal error") }),
  /** Reads show the configuration as it was before the last write; `times` counts reads. */
  fault("read-lag", {}),
  /** The device rewrites a value as it stores the row. */
  fault("normalise", {
    table: z.string(),
    field: z.string(),
    to: z.enum(["lower", "upper", "truncate", "default"]),
    length: z.int().min(0).default(10),
  }),
  /** Log-ins fail with 401 after so many more requests went through. */
  fault("unauthorized-after", { after: z.int().min(0).default(0) }),
  /** A line that holds `match`, or that the regular expression `pattern` finds, is refused. */
  fault("reject-line", {
    match: z.string().optional(),
    pattern: z.string().refine(isPattern, "not a regular expression").optional(),
    text: z.string().default("Command failed"),
  }),
  /** Reads of the configuration end early; with `cut` the header still announces all of it. */
  fault("truncate-read", { bytes: z.int().min(0).optional(), cut: z.boolean().default(false) }),
  /** The status carries no `saveNeeded`. */
  fault("no-save-needed", {}),
  /** Saving fails; with `silent` it claims to have worked. */
  fault("save-fails", { status: z.int().min(400).max(599).default(409), silent: z.boolean().default(false) }),
  /** Every second read leaves out the last row of a table. */
  fault("read-jitter", { table: z.string().default("IPGroup") }),
]);

/** A fault with its parameters filled in. */
export type Fault = z.infer<typeof faultSchema>;
/** A fault as somebody orders it; parameters with defaults may be left out. */
export type FaultOrder = z.input<typeof faultSchema>;
export type FaultName = Fault["name"];
export type FaultNamed<N extends FaultName> = Extract<Fault, { name: N }>;

/** The request or shell line that a fault is asked about; undefined where neither is involved. */
export interface Occasion {
  readonly method: string;
  readonly path: string;
}

/** A line of a shell as faults see it: `method` SHELL, and the line where a request has its path. */
export function shellLine(line: string): Occasion {
  return { method: "SHELL", path: line };
}

export interface Faults {
  /** Adds faults. Throws an Error that says what is wrong with the order, and then adds none. */
  add(order: unknown): void;
  /** The faults that still strike, with the `times` they have left. */
  list(): Fault[];
  clear(): void;
  /** The first fault of that name for this occasion, counted as one stroke; undefined when there is none. */
  take<N extends FaultName>(
    name: N,
    occasion?: Occasion,
    matches?: (fault: FaultNamed<N>) => boolean,
  ): FaultNamed<N> | undefined;
  /** All faults of that name, uncounted. */
  peek<N extends FaultName>(name: N): FaultNamed<N>[];
}

export function createFaults(): Faults {
  let active: Fault[] = [];

  function strike(fault: Fault): void {
    if (fault.times === undefined) return;
    fault.times -= 1;
    if (fault.times <= 0) active = active.filter((other) => other !== fault);
  }

  return {
    add(order) {
      const result = z.array(faultSchema).safeParse(Array.isArray(order) ? order : [order]);
      if (!result.success) throw new Error(z.prettifyError(result.error));
      active.push(...result.data);
    },
    list: () => structuredClone(active),
    clear() {
      active = [];
    },
    take(name, occasion, matches) {
      for (const fault of active) {
        if (!isNamed(fault, name) || !suits(fault, occasion)) continue;
        if (matches !== undefined && !matches(fault)) continue;
        strike(fault);
        return fault;
      }
      return undefined;
    },
    peek: <N extends FaultName>(name: N) => active.filter((fault): fault is FaultNamed<N> => isNamed(fault, name)),
  };
}

function isNamed<N extends FaultName>(fault: Fault, name: N): fault is FaultNamed<N> {
  return fault.name === name;
}

function suits(fault: Fault, occasion: Occasion | undefined): boolean {
  if (fault.path !== undefined && !occasion?.path.toLowerCase().includes(fault.path.toLowerCase())) return false;
  return fault.method === undefined || fault.method.toUpperCase() === occasion?.method;
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
