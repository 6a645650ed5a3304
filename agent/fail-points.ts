import { existsSync, readFileSync } from "node:fs";
import { kill, pid } from "node:process";

/**
 * Places where a crash would tell: before and after what is made durable, and what a device is told. `-storing` is
 * inside the transaction, `-stored` after its commit.
 */
export const failPoints = [
  "seal-key-drafted",
  "store-drafted",
  "store-placed",
  "own-leases-freed",
  "conversion-storing",
  "conversion-stored",
  "claim-storing",
  "claim-stored",
  "claim-answered",
  "login-counted",
  "login-proven",
  "device-read",
  "backup-drafted",
  "backup-kept",
  "sent-marked",
  "record-storing",
  "record-stored",
  "script-leaving",
  "script-accepted",
  "script-refused",
  "script-lost",
  "script-unsent",
  "record-withdrawn",
  "read-back",
  "undo-leaving",
  "undo-accepted",
  "save-leaving",
  "save-confirmed",
  "saved-storing",
  "saved-stored",
  "completion-storing",
  "completion-stored",
  "report-taken",
  "links-storing",
  "links-stored",
  "report-audited",
  "lease-released",
  "site-made",
  "site-storing",
  "site-stored",
] as const;

export type FailPoint = (typeof failPoints)[number];

interface Armed {
  point: FailPoint;
  /** How often it is passed, until it strikes. */
  left: number;
  signal: "SIGKILL" | "SIGSTOP";
}

const variable = "SBC_AGENT_FAIL_POINT";
let armed: Armed | { orders: string } | undefined;

/** Does nothing, unless a test armed this point: then the process ends or stops here, as by a signal from outside. */
export function reach(point: FailPoint): void {
  if (armed !== undefined) pass(armed, point);
}

/**
 * Arms what the environment's SBC_AGENT_FAIL_POINT says: `POINT[:NTH][=kill|stop]`, or `@FILE`, a file that may be
 * written later and says the same. Returns that value; undefined where nothing is armed. Throws an Error for an order
 * that cannot be followed.
 */
export function armFailPoint(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const order = env[variable];
  armed = order === undefined ? undefined : order.startsWith("@") ? { orders: order.slice(1) } : parse(order);
  return order;
}

function parse(order: string): Armed {
  const [, name, nth = "1", act = "kill"] = /^([a-z-]+)(?::([1-9]\d{0,5}))?(?:=(kill|stop))?$/.exec(order.trim()) ?? [];
  const point = failPoints.find((known) => known === name);
  if (point === undefined)
    throw new Error(
      `${variable}='${order}': give POINT[:NTH][=kill|stop], or unset it; points: ${failPoints.join(", ")}`,
    );
  return { point, left: Number(nth), signal: act === "stop" ? "SIGSTOP" : "SIGKILL" };
}

function pass(now: NonNullable<typeof armed>, point: FailPoint): void {
  if ("orders" in now) {
    if (!existsSync(now.orders)) return;
    now = armed = parse(readFileSync(now.orders, "utf8"));
  }
  if (now.point !== point) return;
  now.left -= 1;
  if (now.left === 0) kill(pid, now.signal);
}
