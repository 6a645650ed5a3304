import fc from "fast-check";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import { step, type WeightedSteps } from "./customer-commands.ts";
import { routes } from "./world.ts";

const times = fc.integer({ min: 1, max: 3 });
const lines = fc.integer({ min: 1, max: 25 });
const script = "cliScript/incremental";

/** Each ends by itself, or when faults are cleared. */
const overRest: fc.Arbitrary<FaultOrder> = fc.oneof(
  fc.record({ name: fc.constant("cut-after-request" as const), path: fc.constant(script), times }),
  fc.record({ name: fc.constant("cut-before-apply" as const), path: fc.constant(script), times }),
  fc.record({
    name: fc.constant("half-applied" as const),
    lines,
    answer: fc.constantFrom("cut" as const, "success" as const),
    times,
  }),
  fc.record({ name: fc.constant("ha-sync" as const), times }),
  fc.record({
    name: fc.constant("hang" as const),
    path: fc.constant(script),
    processed: fc.boolean(),
    times: fc.constant(1),
  }),
  fc.record({
    name: fc.constant("hang" as const),
    path: fc.constant("saveConfiguration"),
    processed: fc.boolean(),
    times: fc.constant(1),
  }),
  fc.record({ name: fc.constant("cut-after-request" as const), path: fc.constant("saveConfiguration"), times }),
  fc.record({ name: fc.constant("read-lag" as const), times }),
  fc.record({ name: fc.constant("save-fails" as const), silent: fc.boolean(), times }),
  fc.record({ name: fc.constant("status-not-success" as const), times }),
  fc.record({ name: fc.constant("truncate-read" as const), bytes: fc.integer({ min: 0, max: 4_000 }), times }),
  fc.record({
    name: fc.constant("reject-line" as const),
    match: fc.constantFrom("ip-group", "proxy-address", "tags", "srd-name"),
    times,
  }),
  fc.record({ name: fc.constant("slow-lines" as const), ms: fc.integer({ min: 1, max: 5 }), times: fc.constant(20) }),
  fc.record({
    name: fc.constant("reboot-at-line" as const),
    match: fc.constantFrom(script, "saveConfiguration"),
    when: fc.constantFrom("before" as const, "after" as const),
  }),
);
const match = fc.constantFrom("proxy-set", "ip-group", "srd-name", "activate", "write", "show running-config");
const overSsh: fc.Arbitrary<FaultOrder> = fc.oneof(
  fc.record({
    name: fc.constant("shell-silence" as const),
    match,
    when: fc.constantFrom("before" as const, "after" as const),
    times: fc.constant(1),
  }),
  fc.record({
    name: fc.constant("shell-close" as const),
    match,
    when: fc.constantFrom("before" as const, "middle" as const, "after" as const),
    times,
  }),
  fc.record({
    name: fc.constant("reject-line" as const),
    match: fc.constantFrom("ip-group", "proxy-address", "tags", "srd-name"),
    times,
  }),
  fc.record({
    name: fc.constant("broken-packet" as const),
    match,
    how: fc.constantFrom("garbage" as const, "cut" as const),
    times,
  }),
  fc.record({ name: fc.constant("rekey" as const), match, times }),
  fc.record({ name: fc.constant("idle-logout" as const), match, times }),
  fc.record({
    name: fc.constant("reboot-at-line" as const),
    match,
    when: fc.constantFrom("before" as const, "after" as const),
  }),
  fc.record({ name: fc.constant("reboot-during-save" as const) }),
);

export function drawTroubleSteps(): WeightedSteps[] {
  const device = fc.nat(routes.length - 1);
  const fault = device.chain((at) =>
    (routes[at] === "ssh" ? overSsh : overRest).map((order) =>
      step(`fault on ${at}: ${JSON.stringify(order)}`, async (_model, world) => world.mocks[at]?.faults.add(order)),
    ),
  );
  const reboot = device.map((at) =>
    step(`device ${at} starts anew without a save`, async (_model, world) => world.mocks[at]?.device.reboot(false)),
  );
  const restore = device.map((at) =>
    step(`device ${at} goes back to its old file`, async (model, world) => {
      model.foreign[at] = [];
      world.mocks[at]?.device.restore();
    }),
  );
  const kill = fc.constant(step("kill the agent", (_model, world) => world.killAgent()));
  const jump = fc
    .constantFrom(-5, -1, -0.02, 0.02, 1, 5)
    .map((hours) =>
      step(`the wall clock jumps by ${hours} h`, async (_model, world) => world.agent.jump(hours * 3_600_000)),
    );
  const pause = fc
    .integer({ min: 1, max: 120 })
    .map((ms) => step(`${ms} ms go by`, () => new Promise((resolve) => setTimeout(resolve, ms))));
  const settle = fc.constant(
    step("faults end", async (_model, world) => {
      for (const mock of world.mocks) mock.faults.clear();
    }),
  );
  return [
    { weight: 8, arbitrary: fault },
    { weight: 2, arbitrary: reboot },
    { weight: 1, arbitrary: restore },
    { weight: 1, arbitrary: kill },
    { weight: 1, arbitrary: jump },
    { weight: 6, arbitrary: pause },
    { weight: 2, arbitrary: settle },
  ];
}
