import type { AgentConfig } from "../../agent/settings/config.ts";
import { startAgent } from "../../agent/main.ts";

/** What the parent says: first the configuration, then how far the wall clock is to jump. */
export type ToAgent =
  { kind: "start"; config: AgentConfig; env: Readonly<Record<string, string>> } | { kind: "jump"; ms: number };
export type FromAgent = { kind: "loaded" } | { kind: "up"; url: string } | { kind: "failed"; reason: string };

/**
 * The agent as a process of its own, which may be killed at any moment. Loaded before it is needed, so that a walk does
 * not wait for it. Its wall clock can be made to jump; monotonic time goes on as it was.
 */
let offset = 0;
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + offset;

const say = (message: FromAgent): void => void process.send?.(message);

process.on("message", (message: ToAgent) => {
  if (message.kind === "jump") {
    offset += message.ms;
    return;
  }
  startAgent(message.config, { role: "embedded", env: message.env, logFormat: "json" }).then(
    ({ url }) => say({ kind: "up", url }),
    (error: unknown) => say({ kind: "failed", reason: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
say({ kind: "loaded" });
