import type { Command } from "commander";
import { sbcIdOf } from "../portal/site-locations.ts";
import type { PlanReport } from "../reports.ts";
import type { AgentClient, CustomerAnswer } from "./client.ts";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { describeCustomer, findCustomer } from "./customer-named.ts";
import { AgentRefusal, CommandError, UsageError } from "./errors.ts";
import { reportAccepted } from "./follow-task.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import { reportPlan } from "./plan.ts";
import { changeSummary, planDetails } from "./plan-text.ts";

interface Options {
  device?: string;
  forgetDevice?: true;
  yes?: true;
  dryRun?: true;
  follow: boolean;
}

export function addOffboard(program: Command, perform: Perform): void {
  const command = program
    .command("offboard")
    .description(
      "Remove a customer: show what will be deleted on its device, ask, and follow the task to its end. Calls over the customer's IP Groups end.",
    )
    .argument("<customer>", "GUID, short name or tenant id")
    .option("--device <name>", "only from this device")
    .option("--forget-device", "the device is out of reach: the customer goes at once, its rows at the next contact")
    .option("--yes", "do not ask")
    .option("--dry-run", "show the plan and ask for nothing; with an agent apart, ask the one near the device")
    .option("--no-follow", "only ask for it and print the task's id")
    .action((customer: string, options: Options, self: Command) =>
      perform(self, (invocation) => offboard(invocation, customer, options)),
    );
  addAgentOptions(command, "the task (its id alone with --no-follow, the plan with --dry-run)");
  addEpilogue(command, "sbc-agent offboard SIPTest4", {
    0: "removed, or given up with --forget-device",
    1: "not removed, not agreed to, or not followed to its end",
    3: "rows would be deleted (dry run)",
  });
}

async function offboard(invocation: Invocation, name: string, options: Options): Promise<ExitCode> {
  const { context, output, json } = invocation;
  const { confirm } = context;
  if (options.dryRun === true) return planRemoval(invocation, name, options);
  if (options.yes !== true && confirm === undefined)
    throw new UsageError("Nobody can be asked here: repeat with --yes, after a look at the plan.");
  const say = json ? output.note : output.print;
  return withAgent(invocation, async (client) => {
    const customer = await findCustomer(client, name);
    say(`Customer ${describeCustomer(customer)}`);
    if (options.forgetDevice !== true) await showPlan(invocation, client, customer, options.device);
    const question = options.forgetDevice === true ? "Give it up without its device?" : "Remove it?";
    if (options.yes !== true && (await confirm?.(`${question} [y/N] `, context.signal)) !== true) {
      output.note("Nothing was changed.");
      return exitCodes.failed;
    }
    const id = await ask(client, customer, options);
    if (id === undefined) {
      if (json) output.json({ customerGuid: customer.UmpCustomerGuid, removed: true });
      else output.print(goneWords(customer, options));
      return exitCodes.done;
    }
    return reportAccepted(invocation, client, id, options.follow);
  });
}

async function planRemoval(invocation: Invocation, name: string, options: Options): Promise<ExitCode> {
  if (options.forgetDevice === true)
    throw new UsageError("--dry-run and --forget-device: without its device there is no plan.");
  const { device } = options;
  return withAgent(invocation, async (client) =>
    reportPlan(
      invocation,
      await client.plan({ removal: { customer: name, ...(device === undefined ? {} : { device }) } }),
    ),
  );
}

async function showPlan(
  { output, json }: Invocation,
  client: AgentClient,
  { UmpCustomerGuid }: CustomerAnswer,
  device: string | undefined,
): Promise<void> {
  const plan = await planOf(client, { customer: UmpCustomerGuid, ...(device === undefined ? {} : { device }) });
  const say = json ? output.note : output.print;
  if (typeof plan === "string") say(`What will be deleted cannot be shown: ${plan}`);
  else {
    const { paint } = output;
    say([`${paint.bold(plan.device)}: ${changeSummary(plan.changes)}`, ...planDetails(plan, paint)].join("\n"));
  }
}

/** A removal is no less right where nobody can be asked for its plan: a portal has no devices, one may be away. */
async function planOf(
  client: AgentClient,
  removal: { customer: string; device?: string },
): Promise<PlanReport | string> {
  try {
    return await client.plan({ removal });
  } catch (error) {
    if (error instanceof AgentRefusal && [404, 502].includes(error.status)) return error.message;
    throw error;
  }
}

function goneWords({ SiteLocation: sites = [] }: CustomerAnswer, { forgetDevice }: Options): string {
  if (sites.length === 0) return "Removed: it had no rows on a device.";
  return forgetDevice === true
    ? "Given up: what stands on its devices is removed at the next contact; 'sbc-agent status' lists what is owed."
    : "Removed.";
}

/** Resolves with the task's id; undefined where the customer is gone already. */
async function ask(
  client: AgentClient,
  { UmpCustomerGuid: guid, SiteLocation: sites = [] }: CustomerAnswer,
  { device, forgetDevice }: Options,
): Promise<string | undefined> {
  const forget = forgetDevice === true;
  const wanted = device === undefined ? undefined : sites.find(({ sbcId }) => sbcId === sbcIdOf(device));
  if (device !== undefined && wanted === undefined)
    throw new CommandError(`The customer has no rows on a device '${device}'.`);
  const [only, ...others] = sites;
  const site = wanted ?? (others.length === 0 ? only : undefined);
  if (site !== undefined) return client.removeSite(site.id, forget);
  await client.removeCustomer(guid, forget);
  const left = (await client.customers()).find((one) => one.UmpCustomerGuid === guid);
  if (left === undefined) return undefined;
  const task = left.PendingTasks?.find(({ Kind }) => Kind === "Removal");
  if (task === undefined)
    throw new CommandError("The removal has ended and the customer is still there; 'sbc-agent failures' says why.");
  return task.TaskId;
}
