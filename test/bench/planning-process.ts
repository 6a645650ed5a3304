import { readFileSync } from "node:fs";
import type { DeviceConfig } from "../../drivers/driver.ts";
import { mediant74 } from "../../drivers/mediant/dialects.ts";
import { mediantTables } from "../../drivers/mediant/tables.ts";
import { limitsByModel } from "../../drivers/mediant/limits.ts";
import { mergeConfiguration } from "../../drivers/mediant/merge.ts";
import { loadBlueprints } from "../../agent/provisioning/blueprint.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { indexRows } from "../../agent/provisioning/observed.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import { renderIntent } from "../../agent/provisioning/render-intent.ts";

/** What `planning-process` is told, as JSON in its first argument. */
export interface PlanningOrder {
  runningFile: string;
  iniFile: string;
  model: string;
  repetitions: number;
}

/** CPU milliseconds of each repetition, the first one with cold code. Printed as JSON in one line. */
export interface PlanningTimes {
  ipGroups: number;
  parseMs: number[];
  planMs: number[];
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const carriers = [
  {
    name: "SIPTrunk",
    shared: true,
    addresses: [{ address: "192.0.2.60:5060", transport: "udp" as const, priority: 0, weight: 0 }],
    fields: {},
    allowSharedAddress: false,
  },
];

/** The intents of all customers of the device, as their links keep them. */
function intentsOf(config: DeviceConfig): PlannedIntent[] {
  const blueprint = loadBlueprints(undefined).get("oc-default");
  if (blueprint === undefined) throw new Error("the shipped blueprint is not there");
  const observed = indexRows(config);
  const defaults = { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" };
  return config.rows.flatMap(({ table, index, fields }) => {
    const tenantId = table === "ip-group" ? /^Trunk=(.*)$/.exec(fields["tags"] ?? "")?.[1] : undefined;
    if (tenantId === undefined) return [];
    const shortName = fields["name"] ?? "";
    const rendering = renderIntent(
      blueprint,
      {
        customerGuid: `customer-${index}`,
        tenantId,
        shortName,
        fullName: shortName,
        gateway: "gw0.example.com",
        proxySet: "SIPTrunk",
        variables: {},
        secrets: {},
      },
      {
        device: { name: "sbc0", defaults, withoutTags: false },
        carriers,
        spelling: (_table, name) => name,
        proxySet(name) {
          const row = observed.byName("proxy-set", name);
          return row === undefined ? undefined : { name, srd: row.fields["srd-name"] };
        },
      },
    );
    if ("refused" in rendering) throw new Error(rendering.refused.join("; "));
    return [{ intent: rendering.intent, linked: true, secrets: {}, secretsWritten: new Set<string>() }];
  });
}

/** Parses both texts of a device and plans the re-sync of all its customers: nothing else of a drift check. */
function main(): void {
  const { runningFile, iniFile, model, repetitions } = JSON.parse(process.argv[2] ?? "") as PlanningOrder;
  const running = readFileSync(runningFile, "utf8");
  const ini = readFileSync(iniFile, "utf8");
  const times: PlanningTimes = { ipGroups: 0, parseMs: [], planMs: [] };
  let intents: PlannedIntent[] | undefined;
  for (let i = 0; i < repetitions; i += 1) {
    const read: DeviceConfig[] = [];
    times.parseMs.push(cpuMs(() => read.push(mergeConfiguration(running, ini, mediant74).config)));
    const [config] = read;
    if (config === undefined) throw new Error("nothing was read");
    const known = (intents ??= intentsOf(config));
    times.ipGroups = config.rows.filter(({ table }) => table === "ip-group").length;
    const description = {
      dialect: mediant74.name,
      tables: mediantTables,
      limits: limitsByModel.get(model) ?? {},
      capabilities: { saveNeeded: true, partialScripts: true, givesBack: false },
    };
    const linkedRows = new Set(known.map(({ intent }) => `ip-group ${(intent.rows[1]?.name ?? "").toLowerCase()}`));
    times.planMs.push(
      cpuMs(() => {
        const { steps, conflicts } = planDevice(config, description, known, [], {
          carrierPolicy: "report",
          linkedRows,
          sharedAddressAllowed: () => false,
          endCalls: false,
          withoutTags: false,
        });
        if (steps.length + conflicts.size > 0) throw new Error("a device in sync has a plan: the bench is wrong");
      }),
    );
  }
  process.stdout.write(`${JSON.stringify(times)}\n`);
}

main();
