import { createHash } from "node:crypto";
import { Refusal, type Json } from "./portal-words.ts";

interface Agent {
  identity: string;
  heardAt: number;
  devices: Map<string, { gateways: string[]; standing: boolean }>;
}

interface Surroundings {
  /** Of a device, as a poll is answered. */
  stateOf(device: string): Json;
  /** Frees the leases of an identity that started anew. */
  free(identity: string): void;
  /** Looked at after every change. */
  watchers: Set<() => void>;
  changed(): void;
}

const latelyMs = 60_000;

/** Who announced what, and polls that are held back until something changes. */
export function createPortalPolls({ stateOf, free, watchers, changed }: Surroundings) {
  const agents = new Map<string, Agent>();
  const agentOf = (device: string): Agent | undefined => [...agents.values()].find((a) => a.devices.has(device));

  function pollAnswer(agent: Agent): Json & { cursor: string } {
    const devices = [...agent.devices.keys()].map(stateOf);
    const cursor = createHash("sha256").update(JSON.stringify(devices)).digest("hex");
    return { cursor, devices, missing: [] };
  }

  async function poll(body: Json, gone: AbortSignal): Promise<Json> {
    const identity = String(body["identity"]);
    const wanted = body["devices"] as { device: string; gateways: string[]; standing: boolean }[];
    for (const { device } of wanted) {
      const other = agentOf(device);
      if (other !== undefined && other.identity !== identity && Date.now() - other.heardAt < latelyMs)
        throw new Refusal(409, "Announced elsewhere");
    }
    const agent = { identity, heardAt: Date.now(), devices: new Map(wanted.map((each) => [each.device, each])) };
    agents.set(identity, agent);
    if (body["fresh"] === true) free(identity);
    changed();
    const waitMs = Number(body["waitSeconds"]) * 1_000;
    if (pollAnswer(agent).cursor === body["cursor"] && waitMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      let watcher = (): void => undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, waitMs);
        watcher = () => {
          if (pollAnswer(agent).cursor !== body["cursor"] || gone.aborted) resolve();
        };
        watchers.add(watcher);
        gone.addEventListener("abort", () => resolve(), { once: true });
      });
      clearTimeout(timer);
      watchers.delete(watcher);
    }
    return pollAnswer(agent);
  }

  return { agentOf, poll };
}
