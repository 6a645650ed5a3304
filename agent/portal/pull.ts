import type { FastifyReply } from "fastify";
import { z } from "zod";
import {
  claimAnswer,
  claimRequest,
  peekAnswer,
  pollAnswer,
  pollRequest,
  progressRequest,
  type PollRequest,
} from "../pull-shapes.ts";
import { silentMs } from "../silence.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { requireAgent, requireBinding, type App } from "./access.ts";
import { commonProblems, invalid, Problem, problemResponse } from "./problem.ts";
import { addAdoptionRoutes } from "./pull-adoption.ts";
import { addLeaseRoutes } from "./pull-leases.ts";
import { openPolls } from "./pull-poll.ts";
import { deviceParams, pullPrefix, pullProblems, pullRoute, tags } from "./pull-route.ts";
import { strikeSecrets, writeAmendment, writeConversion, writeLinkWithSecrets } from "./pull-wire.ts";

const mostNames = 20;

function twice(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.size === seen.add(value).size);
}

function demandOnce({ devices }: Pick<PollRequest, "devices">): void {
  const repeated = [twice(devices.map(({ device }) => device)), twice(devices.flatMap(({ gateways }) => gateways))];
  const texts = repeated.flat().map((name) => `'${name}' stands more than once`);
  if (texts.length > 0) throw invalid({ devices: texts.slice(0, mostNames) }, "Nothing was announced.");
}

/** Aborted when the connection ends before the answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
}

// With the token's name: another token's agent cannot pass for this one, and end its leases.
const holderOf = (agent: { name: string }, identity: string): string => `${identity}@${agent.name}`;

function addPollRoute(app: App, store: PortalStore): void {
  const polls = openPolls(store);
  // Else the server would wait for them when it stops.
  app.addHook("preClose", async () => polls.close());

  async function missing(bound: ReadonlySet<string>, announced: readonly string[]): Promise<string[]> {
    const lately = (await store.announcedDevices()).filter(({ heardAt }) => Date.now() - heardAt < silentMs);
    const known = new Set([...announced, ...lately.map(({ device }) => device)]);
    return (await store.namedDevices()).filter((device) => bound.has(device) && !known.has(device));
  }

  app.route({
    ...pullRoute,
    method: "POST",
    url: `${pullPrefix}/poll`,
    schema: {
      tags,
      summary: "Announce what this agent serves, and hear what waits for it",
      description:
        "A long poll. What is announced holds until the next poll of the same identity, and for about a minute at most against others. Answered at once where the cursor differs from the present state, else as soon as something arrives or ends for one of the devices, or when waitSeconds are over, or when the server stops; what arrives within a few milliseconds is one answer. The state is what counts, not the event: an answer that was lost is made good by the next poll.",
      body: pollRequest,
      response: {
        200: pollAnswer,
        409: {
          ...problemResponse,
          description:
            "Problem details, title `Announced elsewhere`: another agent serves one of them; nothing was taken",
        },
        ...pullProblems,
      },
    },
    handler: async (request, reply) => {
      const { identity, version, fresh, cursor, waitSeconds } = request.body;
      const devices = request.body.devices.map((each) => ({
        ...each,
        gateways: each.gateways.map((gateway) => gateway.toLowerCase()),
      }));
      demandOnce({ devices });
      const names = devices.map(({ device }) => device);
      const agent = requireBinding(request, {
        devices: names,
        gateways: devices.flatMap(({ gateways }) => gateways),
      });
      const gone = goneSignal(reply);
      // First, as it may place conversions that waited for one of these gateways.
      const heard = await store.announce({
        agent: agent.name,
        identity: holderOf(agent, identity),
        version,
        fresh,
        devices,
      });
      if (heard.kind === "refused") throw new Problem(409, `${heard.reason}.`, { title: "Announced elsewhere" });
      const state = await polls.hold({ devices: names, cursor, waitMs: waitSeconds * 1_000, gone });
      return { ...state, missing: await missing(agent.binding.devices, names) };
    },
  });
}

function addDeviceRoutes(app: App, store: PortalStore): void {
  /** Else an agent that was refused at the poll could take what another one serves. */
  async function demandAnnounced(device: string, holder: string): Promise<void> {
    const word = (await store.announcedDevices()).find((one) => one.device === device);
    if (word?.identity === holder) return;
    const detail =
      word === undefined
        ? `Nobody announced device ${device}: poll first.`
        : `Device ${device} is announced by another agent, '${word.agent}'.`;
    throw new Problem(409, detail, { title: "Announced elsewhere" });
  }

  app.route({
    ...pullRoute,
    method: "POST",
    url: `${pullPrefix}/devices/:device/claim`,
    schema: {
      tags,
      summary: "Claim a device for writing, with the conversions and amendments that wait for it",
      description:
        "One lease a device: `held` while another identity has it, and for that one's grace after its end. The identity that has it gets a new one at once, with a higher fence and with all that was not completed: so a lost answer is healed by claiming again. Secrets are in clear. Changes and removals are given only to an agent that says that it knows them, with all links of the device but those of customers that are being removed, also where these were not asked for; those of others wait on.",
      params: deviceParams,
      body: claimRequest,
      response: {
        200: claimAnswer,
        409: { ...problemResponse, description: "Problem details, title `Announced elsewhere`: poll first" },
        ...pullProblems,
      },
    },
    handler: async (request): Promise<z.output<typeof claimAnswer>> => {
      const { device } = request.params;
      const { identity, durationMs, graceMs, max, links, amendments, openTasks } = request.body;
      const agent = requireBinding(request, { devices: [device] });
      const holder = holderOf(agent, identity);
      await demandAnnounced(device, holder);
      const result = await store.claimDevice(device, { holder, durationMs, graceMs, max, links, amendments });
      if (result.kind === "held") return { kind: "held", retryAfterMs: Math.ceil(result.retryAfterMs) };
      const { claim } = result;
      return {
        kind: "claimed",
        lease: claim.lease,
        conversions: claim.conversions.map(writeConversion),
        amendments: claim.amendments.map(writeAmendment),
        links: claim.links.map(writeLinkWithSecrets),
        openTasks: await store.openTasks(device, openTasks),
      };
    },
  });

  app.route({
    ...pullRoute,
    method: "GET",
    url: `${pullPrefix}/devices/:device/work`,
    schema: {
      tags,
      summary: "What a claim would give now; changes nothing",
      description: "For dry runs, plans, and messages to waiting tasks. Values of secrets are struck out.",
      params: deviceParams,
      querystring: z.object({
        links: z
          .enum(["true", "false"])
          .default("true")
          .describe("whether the links of the device are wanted (default true)"),
      }),
      response: { 200: peekAnswer, 400: problemResponse, ...commonProblems },
    },
    handler: async (request): Promise<z.output<typeof peekAnswer>> => {
      const { device } = request.params;
      requireBinding(request, { devices: [device] });
      const withLinks = request.query.links === "true";
      const { conversions, amendments, links } = await store.peekDevice(device, { links: withLinks });
      return {
        conversions: conversions.map(strikeSecrets).map(writeConversion),
        amendments: amendments
          .map((amendment) => ({ ...strikeSecrets(amendment), link: strikeSecrets(amendment.link) }))
          .map(writeAmendment),
        links: links.map(strikeSecrets).map(writeLinkWithSecrets),
      };
    },
  });
}

function addProgressRoute(app: App, store: PortalStore): void {
  app.route({
    ...pullRoute,
    method: "POST",
    url: `${pullPrefix}/progress`,
    schema: {
      tags,
      summary: "Append a message to tasks that have not ended",
      description:
        "Needs no lease. A repetition of a task's last message is dropped. Tasks of other devices than the token's, ended ones and unknown ones are ignored.",
      body: progressRequest,
      response: { 204: z.undefined().describe("noted, durably"), ...pullProblems },
    },
    handler: async (request, reply) => {
      const { binding } = requireAgent(request);
      const { message } = request.body;
      const taskIds = [...new Set(request.body.taskIds)];
      const conversions = await Promise.all(taskIds.map((taskId) => store.conversion(taskId)));
      const others = new Set(taskIds.filter((_, i) => conversions[i] === undefined));
      const amendments = others.size === 0 ? [] : await store.openAmendments({});
      const mine = [
        ...conversions.filter((each) => each !== undefined),
        ...amendments.filter(({ taskId }) => others.has(taskId)),
      ].filter(({ device }) => binding.devices.has(device ?? ""));
      const own = [...new Set(mine.map(({ taskId }) => taskId))];
      if (own.length > 0) await store.noteProgress(own, message);
      return reply.code(204).send();
    },
  });
}

/** The pull API: what agents elsewhere ask a portal. `docs/pull-api.md` tells its rules. */
export function addPullRoutes(app: App, { store }: { store: PortalStore }): void {
  addPollRoute(app, store);
  addDeviceRoutes(app, store);
  addLeaseRoutes(app, store);
  addAdoptionRoutes(app, store);
  addProgressRoute(app, store);
}
