import { z } from "zod";

const narrowing = {
  /** How often it strikes; without it, until cleared. */
  times: z.int().min(1).optional(),
  /** So many that it could strike go by first. */
  skip: z.int().min(0).optional(),
  /** Strikes only requests whose path, or lines of a shell that, hold this text. */
  path: z.string().optional(),
  /** Strikes only requests with this method; that of a shell's line is SHELL, of a file over SSH SFTP. */
  method: z.string().optional(),
};

/** Strikes only lines of a shell, or paths of requests, that hold this text. */
const match = z.string().optional();
const when = z.enum(["before", "after"]).default("before");
/** What happens to a device happens once, unless ordered otherwise. */
const times = z.int().min(1).default(1);

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
  /** A shell takes the line and says nothing more, or has done it first. */
  fault("shell-silence", { match, when }),
  /** A shell is cut before the line is looked at, in the middle of what it prints, or once it is done. */
  fault("shell-close", { match, when: z.enum(["before", "middle", "after"]).default("before") }),
  /** What the line prints, and its prompt, come byte by byte. */
  fault("shell-slow", { match, bytesPerSecond: z.number().positive().default(1) }),
  /** A log line gets into the terminal around the output of the line. */
  fault("log-line", {
    match,
    text: z.string().default("[S=1] [SID=0] Alarm: Ethernet link is up"),
    at: z.enum(["in-output", "before-prompt", "after-prompt"]).default("before-prompt"),
  }),
  /** An SSH packet that cannot be read, or one that ends in the middle together with the connection. */
  fault("broken-packet", { match, how: z.enum(["garbage", "cut"]).default("garbage") }),
  /** An SSH server that never answers, or closes: on a new connection before its ident, or to a log-in. */
  fault("ssh-silence", {
    at: z.enum(["connect", "auth"]).default("connect"),
    how: z.enum(["silent", "close"]).default("silent"),
  }),
  /** The SSH keys are exchanged anew while the line runs. */
  fault("rekey", { match }),
  /** A connection that shows another host key. */
  fault("host-key-changed", {}),
  /** The line runs, and instead of its answer the session ends as if nobody had typed for too long. */
  fault("idle-logout", { match }),
  /** Another administrator's lines run as the line or request comes, or once it is done. */
  fault("foreign-edit", { match, when, times, lines: z.array(z.string()) }),
  /** Resets without saving as the line or request comes, or once it is done. */
  fault("reboot-at-line", { match, when, times }),
  /** Resets while flash is written: the save is lost. */
  fault("reboot-during-save", { times }),
  /** The other unit of a pair takes over, with what is in flash: connections go, and it is up at once. */
  fault("ha-switch", { match, when, times }),
  /** Goes back to the configuration that the mock started from, in flash too, and resets. */
  fault("restore-backup", { match, when, times }),
  /** Comes up with other firmware, and with the columns of its generation. */
  fault("firmware-upgrade", { match, when, times, firmware: z.string().regex(/^\d\.\d\dA\.\d{3}\.\d{3}$/) }),
  /** Another device at the same address: another serial number, and after the reset as it left the factory. */
  fault("replaced", { match, when, times, serialNumber: z.string().default("999999999999999") }),
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
        if (fault.skip !== undefined && fault.skip > 0) {
          fault.skip -= 1;
          continue;
        }
        strike(fault);
        return fault;
      }
      return undefined;
    },
    peek: <N extends FaultName>(name: N) => active.filter((fault): fault is FaultNamed<N> => isNamed(fault, name)),
  };
}

/** The `reject-line` that strikes this line. */
export function takeRejection(
  faults: Faults,
  line: string,
  occasion: Occasion | undefined,
): FaultNamed<"reject-line"> | undefined {
  return faults.take("reject-line", occasion, ({ match: text, pattern }) => {
    if (text !== undefined && line.includes(text)) return true;
    return pattern !== undefined && new RegExp(pattern).test(line);
  });
}

function isNamed<N extends FaultName>(fault: Fault, name: N): fault is FaultNamed<N> {
  return fault.name === name;
}

function suits(fault: Fault, occasion: Occasion | undefined): boolean {
  if ("match" in fault && fault.match !== undefined && fault.name !== "reject-line") {
    if (!occasion?.path.includes(fault.match)) return false;
  }
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
