import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { shownDriftState } from "./drift/drift-report.ts";
import type { HealthReport } from "./reports.ts";

/** The agent's figures for Prometheus. Labels hold names of the inventory only, so their number is bounded. */
export interface Metrics {
  /** `result` is the first of the task's details, for example `Converted`. */
  conversionEnded(result: string): void;
  runEnded(device: string, kind: string, result: string, seconds: number): void;
  deviceCall(device: string, operation: string): void;
  commandsSent(device: string, count: number): void;
  saved(device: string): void;
  /** The page, with gauges taken from the health report of this moment. */
  render(health: HealthReport): Promise<{ contentType: string; body: string }>;
}

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const conversions = new Counter({
    name: "sbc_agent_conversions_total",
    help: "Conversions that ended, by result",
    labelNames: ["result"],
    registers,
  });
  const runs = new Histogram({
    name: "sbc_agent_run_seconds",
    help: "Duration of runs, from claim to report",
    labelNames: ["device", "kind", "result"],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  const calls = new Counter({
    name: "sbc_agent_device_calls_total",
    help: "Driver calls to devices, by operation",
    labelNames: ["device", "operation"],
    registers,
  });
  const commands = new Counter({
    name: "sbc_agent_device_commands_total",
    help: "Configuration lines sent to devices",
    labelNames: ["device"],
    registers,
  });
  const saves = new Counter({
    name: "sbc_agent_device_saves_total",
    help: "Saves to flash that were asked for",
    labelNames: ["device"],
    registers,
  });
  const gauge = (name: string, help: string): Gauge<"device"> =>
    new Gauge({ name: `sbc_agent_${name}`, help, labelNames: ["device"], registers });
  const gauges = {
    queue: gauge("queue_depth", "Conversions that wait for the device"),
    oldestPendingSeconds: gauge("queue_oldest_seconds", "Age of the oldest waiting conversion"),
    unsavedSeconds: gauge("unsaved_seconds", "Seconds since a write that is not known to be saved"),
    linked: gauge("linked_customers", "Customers linked to the device"),
    loginFailures: gauge("login_failures", "Counted log-in failures"),
  } as const;
  const breaker = gauge("breaker_open", "1 while the device is only probed");
  const driver = new Gauge({
    name: "sbc_agent_device_driver",
    help: "1 for the driver that the device is reached by; of `auto`, the one that it took last",
    labelNames: ["device", "driver"],
    registers,
  });
  const drift = gauge(
    "drifted_customers",
    "Linked customers whose rows differ from their intent, by the latest check and runs since; absent when there is no evidence",
  );
  const unknown = gauge(
    "drift_unknown",
    "1 where drift was never checked, too long ago to say anything, or not since the device started anew",
  );
  const due = gauge("drift_check_due", "1 while a check is due, as after a restart of the device");
  const age = gauge(
    "drift_evidence_age_seconds",
    "Time since all linked customers were compared, whatever runs showed of single ones since; absent when they never were",
  );
  const checked = gauge(
    "drift_checked_timestamp_seconds",
    "When all linked customers were last compared; absent when they never were",
  );

  return {
    conversionEnded: (result) => conversions.inc({ result }),
    runEnded: (device, kind, result, seconds) => runs.observe({ device, kind, result }, seconds),
    deviceCall: (device, operation) => calls.inc({ device, operation }),
    commandsSent: (device, count) => commands.inc({ device }, count),
    saved: (device) => saves.inc({ device }),
    async render(health) {
      for (const { device, queue, oldestPendingSeconds, linked } of health.announced) {
        gauges.queue.set({ device }, queue);
        gauges.oldestPendingSeconds.set({ device }, oldestPendingSeconds);
        gauges.linked.set({ device }, linked);
      }
      driver.reset();
      for (const report of health.devices) {
        driver.set({ device: report.device, driver: report.taken?.driver ?? report.driver }, 1);
        const labels = { device: report.device };
        for (const [field, metric] of Object.entries(gauges)) metric.set(labels, report[field as keyof typeof gauges]);
        breaker.set(labels, report.breaker === "open" ? 1 : 0);
        const isKnown = shownDriftState(report) !== "unknown";
        unknown.set(labels, isKnown ? 0 : 1);
        due.set(labels, report.driftDue ? 1 : 0);
        // What is not known must not stand there as it was.
        if (isKnown) drift.set(labels, report.drift?.drifted ?? 0);
        else drift.remove(labels);
        if (report.drift === null) continue;
        const checkedAt = Date.parse(report.drift.checkedAt);
        checked.set(labels, checkedAt / 1_000);
        age.set(labels, Math.max(0, (Date.now() - checkedAt) / 1_000));
      }
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}
