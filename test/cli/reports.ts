import type { ChangeReport, DeviceReport, HealthReport, PlanReport, ResyncDeviceReport } from "../../agent/reports.ts";

export const creation: ChangeReport = {
  action: "create",
  row: 'ip-group 5 "SIPTest4"',
  fields: [
    { field: "tags", before: null, after: "Trunk=f79a7f93-5ef7-47d2-92c8-e4570503cec3" },
    { field: "proxy-set-name", before: null, after: "SIPTrunk" },
  ],
  customers: ["SIPTest4"],
  endsCalls: false,
};

const moving: ChangeReport = {
  action: "update",
  row: 'ip-group 3 "Acme"',
  fields: [{ field: "srd-name", before: "Other", after: "DefaultSRD" }],
  customers: ["Acme"],
  endsCalls: true,
};

export function makePlan(parts: Partial<PlanReport> = {}): PlanReport {
  return { device: "sbc-1", changes: [], lines: [], reverse: [], conflicts: [], warnings: [], ...parts };
}

export const pendingPlan = makePlan({
  changes: [creation, moving],
  lines: ["configure voip", "  ip-group 5", "    name SIPTest4", "    activate"],
  reverse: ["configure voip", "  no ip-group 5"],
  warnings: ["Proxy Set SIPTrunk differs from its carrier"],
});

export function makeResync(parts: Partial<ResyncDeviceReport> = {}): ResyncDeviceReport {
  return { ...makePlan(), result: "in-sync", customers: 12, writes: 0, saves: 0, reason: null, ...parts };
}

export function makeDevice(parts: Partial<DeviceReport> = {}): DeviceReport {
  return {
    device: "sbc-1",
    driver: "rest",
    taken: null,
    address: "https://192.0.2.10",
    gateways: ["oc1.example.com"],
    mode: "manage",
    pause: null,
    state: "idle",
    breaker: "closed",
    nextTryAt: null,
    lastSuccessAt: "2026-03-01T11:58:00Z",
    lastError: null,
    unsavedSeconds: 0,
    queue: 0,
    oldestPendingSeconds: 0,
    linked: 120,
    drift: { checkedAt: "2026-03-01T03:00:00Z", updatedAt: null, drifted: 0, stale: false, afterRestart: false },
    driftDue: false,
    loginFailures: 0,
    ...parts,
  };
}

export function makeHealth(devices: DeviceReport[], remarks: string[] = []): HealthReport {
  return {
    status: remarks.length === 0 ? "ok" : "degraded",
    version: "1.2.3",
    startedAt: "2026-03-01T09:00:00Z",
    remarks,
    devices,
    portal: null,
    amendments: [],
    announced: [],
  };
}
