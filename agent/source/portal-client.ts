import type { z } from "zod";
import {
  adoptAnswer,
  claimAnswer,
  peekAnswer,
  pollAnswer,
  type ClaimRequest,
  type PollAnswer,
  type PollRequest,
} from "../pull-shapes.ts";
import type { Adoption, AdoptionVerdict } from "../store/adoption.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ClaimedConversion, ExecutionMessage, Lease, Link, LinkWithSecrets } from "../store/model.ts";
import type { Completion } from "../store/portal-store.ts";
import { LeaseLost } from "../store/store.ts";
import { realPace, type Pace } from "./pace.ts";
import type { PortalError, PortalFault } from "./portal-error.ts";
import { openTransport, shortestTryMs, type Call, type PortalSettings } from "./portal-transport.ts";
import {
  readAmendments,
  readConversions,
  readLinkWithSecrets,
  readPeek,
  writeAdoption,
  writeCompletion,
  writeLink,
  writeMessage,
} from "./wire.ts";

export type PortalClaim =
  | { kind: "held"; retryAfterMs: number }
  | {
      kind: "claimed";
      lease: Lease;
      conversions: ClaimedConversion[];
      amendments: ClaimedAmendment[];
      links: LinkWithSecrets[];
      openTasks: string[];
    };

/**
 * The pull API of a portal elsewhere. Calls are repeated while that may help and their time lasts; then they throw
 * PortalError. What names a lease throws LeaseLost when the portal says that it is lost. No token stands in a message.
 */
export interface PortalClient {
  /** One try: who polls repeats it in any case. */
  poll(request: PollRequest, signal: AbortSignal): Promise<PollAnswer>;
  claim(device: string, request: ClaimRequest, signal: AbortSignal): Promise<PortalClaim>;
  /** What waits for a device; values of secrets are struck out. */
  peek(
    device: string,
    links: boolean,
    signal: AbortSignal,
  ): Promise<{ conversions: ClaimedConversion[]; amendments: ClaimedAmendment[]; links: LinkWithSecrets[] }>;
  renew(lease: Lease, withinMs: number): Promise<void>;
  release(lease: Lease): Promise<void>;
  markSent(lease: Lease, taskIds: readonly string[], sent: boolean, withinMs: number): Promise<void>;
  /** Repeated after all that may pass, until `withinMs`: a result is not given up lightly. */
  complete(lease: Lease, completions: readonly Completion[], withinMs: number): Promise<void>;
  updateLinks(lease: Lease, links: readonly Link[], withinMs: number): Promise<void>;
  /** Verdicts in the order of the adoptions. */
  previewAdoptions(device: string, adoptions: readonly Adoption[], signal: AbortSignal): Promise<AdoptionVerdict[]>;
  adopt(lease: Lease, adoptions: readonly Adoption[], by: string, withinMs: number): Promise<AdoptionVerdict[]>;
  noteProgress(taskIds: readonly string[], message: ExecutionMessage): Promise<void>;
  /** An error that puts a run off. */
  fault(fault: PortalFault, message: string): PortalError;
  /** Ends what is under way; from now on a call is one short try. */
  hurry(): void;
  /** Ends all, and closes the connections. */
  close(): void;
}

/** How long after the time it may be held back the answer to a poll must be there. */
const pollMarginMs = 10_000;
const attemptMs = 30_000;
const budgetMs = 60_000;
const releaseMs = 5_000;

const at = (device: string): string => encodeURIComponent(device);

/** Throws an Error when the URL is none that a token may be sent to. */
export function openPortalClient(settings: Omit<PortalSettings, "pace"> & { pace?: Pace }): PortalClient {
  const transport = openTransport({ pace: realPace, ...settings });
  const standard = { attemptMs, budgetMs };

  function read<T>(shape: z.ZodType<T>, text: string, what: string): T {
    const result = shape.safeParse(JSON.parse(text));
    if (result.success) return result.data;
    const faults = result.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw transport.fault(
      "protocol",
      `The portal ${transport.portal} answered ${what} with what is no such answer: ${faults.join("; ").slice(0, 500)}`,
    );
  }

  type LeaseCall = Omit<Call, "path" | "attemptMs" | "expected">;

  async function askUnderLease(
    lease: Lease,
    call: LeaseCall,
    route: string,
    expected: Call["expected"],
  ): Promise<string> {
    return transport.send({
      attemptMs: Math.min(attemptMs, Math.max(shortestTryMs, call.budgetMs)),
      ...call,
      path: `/leases/${at(lease.device)}/${route}`,
      expected,
      conflict: (words) => new LeaseLost(`lease ${lease.fence} of ${lease.device} is lost. ${words}`),
    });
  }

  async function underLease(lease: Lease, call: LeaseCall, route: string): Promise<void> {
    await askUnderLease(lease, call, route, 204);
  }

  function readVerdicts(text: string, adoptions: readonly Adoption[], device: string): AdoptionVerdict[] {
    const { verdicts } = read(adoptAnswer, text, `the adoption on ${device}`);
    if (verdicts.length === adoptions.length) return verdicts;
    throw transport.fault(
      "protocol",
      `The portal ${transport.portal} answered ${adoptions.length} adoptions on ${device} with ${verdicts.length} verdicts`,
    );
  }

  return {
    async poll(request, signal) {
      const patienceMs = request.waitSeconds * 1_000 + pollMarginMs;
      const limits = { attemptMs: patienceMs, budgetMs: 0, signal };
      const text = await transport.send({ method: "POST", path: "/poll", body: request, expected: 200, ...limits });
      return read(pollAnswer, text, "a poll");
    },

    async claim(device, request, signal) {
      const path = `/devices/${at(device)}/claim`;
      const text = await transport.send({ method: "POST", path, body: request, expected: 200, signal, ...standard });
      const answer = read(claimAnswer, text, `the claim of ${device}`);
      if (answer.kind === "held") return answer;
      const { lease, conversions, amendments, links, openTasks } = answer;
      const stranger = [lease, ...links, ...amendments.map(({ link }) => link)].find((each) => each.device !== device);
      if (stranger !== undefined)
        throw transport.fault(
          "protocol",
          `The portal ${transport.portal} answered the claim of ${device} with what is ${stranger.device}'s`,
        );
      return {
        kind: "claimed",
        // Longer than was asked for would be longer than its taker waits.
        lease: { ...lease, durationMs: Math.min(lease.durationMs, request.durationMs) },
        conversions: readConversions(conversions, device).slice(0, request.max),
        amendments: readAmendments(amendments, device),
        links: links.map(readLinkWithSecrets),
        openTasks,
      };
    },

    async peek(device, links, signal) {
      const path = `/devices/${at(device)}/work?links=${links}`;
      const text = await transport.send({ method: "GET", path, expected: 200, signal, ...standard });
      return readPeek(read(peekAnswer, text, `the question what waits for ${device}`), device);
    },

    renew: (lease, withinMs) =>
      underLease(
        lease,
        { method: "POST", body: { fence: lease.fence }, budgetMs: Math.min(budgetMs, withinMs) },
        "renew",
      ),

    async release(lease) {
      const { device, fence } = lease;
      await transport.send({
        method: "POST",
        path: `/leases/${at(device)}/release`,
        body: { fence },
        expected: 204,
        attemptMs: releaseMs,
        budgetMs: releaseMs,
      });
    },

    markSent: ({ device, fence, durationMs }, taskIds, sent, withinMs) =>
      underLease(
        { device, fence, durationMs },
        { method: "POST", body: { fence, taskIds, sent }, budgetMs: Math.min(budgetMs, withinMs) },
        "sent",
      ),

    complete: (lease, completions, withinMs) =>
      underLease(
        lease,
        {
          method: "POST",
          body: { fence: lease.fence, completions: completions.map(writeCompletion) },
          budgetMs: withinMs,
          persistent: true,
        },
        "complete",
      ),

    updateLinks: (lease, links, withinMs) =>
      underLease(
        lease,
        {
          method: "PUT",
          body: { fence: lease.fence, links: links.map(writeLink) },
          budgetMs: Math.min(budgetMs, withinMs),
        },
        "links",
      ),

    async previewAdoptions(device, adoptions, signal) {
      const path = `/devices/${at(device)}/adoptable`;
      const body = { adoptions: adoptions.map(writeAdoption) };
      return readVerdicts(
        await transport.send({ method: "POST", path, body, expected: 200, signal, ...standard }),
        adoptions,
        device,
      );
    },

    async adopt(lease, adoptions, by, withinMs) {
      const body = { fence: lease.fence, by: by.slice(0, 200), adoptions: adoptions.map(writeAdoption) };
      const call = { method: "POST" as const, body, budgetMs: Math.min(budgetMs, withinMs) };
      return readVerdicts(await askUnderLease(lease, call, "adopt", 200), adoptions, lease.device);
    },

    async noteProgress(taskIds, message) {
      const body = { taskIds, message: writeMessage(message) };
      await transport.send({ method: "POST", path: "/progress", body, expected: 204, ...standard });
    },

    fault: transport.fault,
    hurry: transport.hurry,
    close: transport.close,
  };
}
