import type { PortalStore } from "../store/portal-store.ts";

/**
 * Where this agent pulls from: claims on devices with the conversions that wait for them, and the way back for
 * progress and results. Each method is one unit of work, and may be repeated after a failure.
 */
export type ConversionSource = Pick<
  PortalStore,
  | "claimDevice"
  | "peekDevice"
  | "renewLease"
  | "releaseLease"
  | "complete"
  | "updateLinks"
  | "previewAdoptions"
  | "adopt"
  | "noteProgress"
  | "setStandstill"
  | "queues"
  | "namedDevices"
  | "links"
  | "countLinks"
  | "watch"
>;
