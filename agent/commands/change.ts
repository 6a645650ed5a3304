import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { createSecretTest } from "../portal/requests.ts";
import { sbcIdOf } from "../portal/site-locations.ts";
import { defaultSecretVariables } from "../settings/config-schema.ts";
import { configFile, readConfig, withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { describeCustomer, findCustomer } from "./customer-named.ts";
import { CommandError, UsageError } from "./errors.ts";
import { reportAccepted } from "./follow-task.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import { reportPlan } from "./plan.ts";

interface Options {
  device?: string;
  proxySet?: string;
  blueprint?: string;
  set: string[];
  secret: string[];
  endCalls?: true;
  dryRun?: true;
  follow: boolean;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

export function addChange(program: Command, perform: Perform): void {
  const command = program
    .command("change")
    .description("Change a customer on its device: only the fields that differ are written. What is not named stays.")
    .argument("<customer>", "GUID, short name or tenant id")
    .option("--device <name>", "where it is on several")
    .option("--proxy-set <name>", "another carrier or Proxy Set")
    .option("--blueprint <name>", "another blueprint of the agent")
    .option("--set <NAME=VALUE>", "set a variable; may be repeated", collect, [])
    .option("--secret <NAME=@FILE>", "set a secret variable from a file, or NAME=env:VAR; may be repeated", collect, [])
    .option("--end-calls", "consent to steps that end active calls, as the deletion of an IP Group does")
    .option("--dry-run", "show the plan and ask for nothing; with an agent apart, ask the one near the device")
    .option("--no-follow", "only ask for it and print the task's id")
    .action((customer: string, options: Options, self: Command) =>
      perform(self, (invocation) => change(invocation, customer, options)),
    );
  addAgentOptions(command, "the task (the plan with --dry-run)");
  addEpilogue(command, "sbc-agent change SIPTest4 --proxy-set SIPTrunk2 --dry-run", {
    0: "changed, or nothing to change",
    1: "failed and taken back, or not followed to its end",
    3: "changes are pending (dry run)",
  });
}

async function change(invocation: Invocation, name: string, options: Options): Promise<ExitCode> {
  const { output, json } = invocation;
  const body = bodyOf(invocation, options);
  return withAgent(invocation, async (client) => {
    const { device } = options;
    if (options.dryRun === true) {
      // Not looked up first: an agent whose portal is elsewhere has plans, and no customers to list.
      const named = { customer: name, ...(device === undefined ? {} : { device }) };
      return reportPlan(invocation, await client.plan({ change: { ...named, site: body } }));
    }
    const customer = await findCustomer(client, name);
    const site = (customer.SiteLocation ?? []).find(({ sbcId }) => device !== undefined && sbcId === sbcIdOf(device));
    if (device !== undefined && site === undefined)
      throw new CommandError(`The customer has no rows on a device '${device}'.`);
    const say = json ? output.note : output.print;
    say(`Customer ${describeCustomer(customer)}`);
    const id = await client.changeSite(customer.UmpCustomerGuid, {
      ...body,
      ...(site === undefined ? {} : { sbcSiteGuid: site.id }),
    });
    return reportAccepted(invocation, client, id, options.follow);
  });
}

function bodyOf(invocation: Invocation, { proxySet, blueprint, set, secret, endCalls }: Options): object {
  const variables = set.map((text) => split(text, "--set"));
  const secrets = secret.map((text) => split(text, "--secret"));
  const isSecret = createSecretTest(secretPatterns(invocation));
  for (const [name] of variables)
    if (isSecret(name)) throw new UsageError(`--set ${name}: it is a secret, give it with --secret ${name}=@FILE`);
  for (const [name] of secrets)
    if (!isSecret(name))
      throw new UsageError(`--secret ${name}: it is not among secretVariables, and would be kept in clear`);
  const read = secrets.map(([name, from]) => [name, readSecretFrom(invocation, name, from)] as const);
  const parameters = {
    ...(proxySet === undefined ? {} : { ProxySet: proxySet }),
    ...Object.fromEntries([...variables, ...read]),
  };
  if (blueprint === undefined && Object.keys(parameters).length === 0)
    throw new UsageError("Name what to change: --proxy-set, --blueprint, --set or --secret.");
  return {
    ...(blueprint === undefined ? {} : { blueprint }),
    ...(endCalls === true ? { endCalls } : {}),
    ...(Object.keys(parameters).length === 0 ? {} : { scriptParameters: parameters }),
  };
}

/** As in the configuration; where there is none to ask, whoever answers decides. */
function secretPatterns(invocation: Invocation): readonly string[] {
  try {
    return readConfig(invocation).secretVariables;
  } catch (error) {
    if (invocation.url !== undefined && !configFile(invocation).named) return defaultSecretVariables;
    throw error;
  }
}

function split(text: string, option: string): [string, string] {
  const at = text.indexOf("=");
  // Not the text itself: it may be a secret that was given the wrong way.
  if (at < 1) throw new UsageError(`${option}: give NAME=${option === "--set" ? "VALUE" : "@FILE or NAME=env:VAR"}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function readSecretFrom({ context }: Invocation, name: string, from: string): string {
  const read = (): string | undefined => {
    if (from.startsWith("env:")) return context.env[from.slice(4)];
    if (!from.startsWith("@"))
      throw new UsageError(`--secret ${name}: give @FILE or env:VAR; on the command line everybody could read it`);
    try {
      return readFileSync(resolve(context.cwd, from.slice(1)), "utf8").replace(/\r?\n$/, "");
    } catch (error) {
      throw new UsageError(`--secret ${name}: ${from.slice(1)} cannot be read`, { cause: error });
    }
  };
  const value = read();
  if (value === undefined || value === "") throw new UsageError(`--secret ${name}: there is nothing in ${from}`);
  return value;
}
