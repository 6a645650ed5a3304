import { afterEach, expect, it } from "vitest";
import type { CommandContext } from "../../agent/commands/context.ts";
import { runCommand } from "../cli/command-line.ts";
import { convertCustomer, holdings } from "./customer.ts";
import { named, startRig, stateOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

function run(...argv: string[]) {
  const context: Partial<CommandContext> = { env: { SBC_AGENT_TOKEN: rig.adminToken() } };
  return runCommand([...argv, "--url", rig.url()], rig.folder, context);
}

it("a customer is changed and removed from the command line, and the plans before tell the truth", async () => {
  rig = await startRig();
  const before = await stateOf(rig.mock);
  await convertCustomer(rig.client, "Hand_1");
  const set = ["--set", "CarrierHostName=a.example"];

  const planned = await run("change", "hand_1", ...set, "--dry-run");
  expect(planned, planned.stdout + planned.stderr).toMatchObject({ code: 3 });
  expect(planned.stdout).toMatch(/0 rows to create, 1 to change, 0 to delete[^]*sip-group-name[^]*a\.example/);
  const changed = await run("change", "hand_1", ...set);
  expect(changed, changed.stdout + changed.stderr).toMatchObject({ code: 0 });
  expect(named((await stateOf(rig.mock)).running["IPGroup"], "Name").get("Hand_1")?.fields["SIPGroupName"]).toBe(
    "a.example",
  );

  const removed = await run("offboard", "HAND_1", "--yes");
  expect(removed, removed.stdout + removed.stderr).toMatchObject({ code: 0 });
  expect(removed.stdout).toMatch(/- delete ip-group \d+ "Hand_1"[^]*Completed\.\n$/);
  expect(holdings(await stateOf(rig.mock))).toEqual(holdings(before));
});
