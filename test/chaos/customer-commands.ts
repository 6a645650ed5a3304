import fc from "fast-check";
import type { AdoptReport } from "../../agent/reports.ts";
import type { Model } from "./model.ts";
import { carriers, routes, type World } from "./world.ts";

/** One step of a walk. `toString` is what a replay is compared by. */
export type Step = fc.AsyncCommand<Model, World>;

const names = ["Alpha", "Beta", "Gamma", "Delta"] as const;

export interface WeightedSteps {
  weight: number;
  arbitrary: fc.Arbitrary<Step>;
}

export function step(text: string, run: Step["run"], check: (model: Model) => boolean = () => true): Step {
  return { check, run, toString: () => text };
}

/** Posts a conversion, and again when the answer is lost, as a client does. */
async function post(
  world: World,
  model: Model,
  wanted: { tenant: string; name: string; device: number; proxySet: string },
  send: (post: () => Promise<string>) => Promise<string | undefined>,
): Promise<void> {
  const { tenant, name, device, proxySet } = wanted;
  const attempt = (): Promise<string> => world.agent.client.post(name, tenant, device, { ProxySet: proxySet });
  const heard = await send(attempt);
  const taskId = heard ?? (await attempt());
  model.asked.get(tenant)?.push({ kind: "convert", taskId, name, device, proxySet, repeated: heard === undefined });
}

export function drawCustomerSteps(tenants: readonly string[]): WeightedSteps[] {
  const tenant = fc.constantFrom(...tenants);
  const short = (id: string): string => `t${tenants.indexOf(id)}`;
  const wanted = fc.record({
    tenant,
    name: fc.constantFrom(...names),
    device: fc.nat(routes.length - 1),
    proxySet: fc.constantFrom(...carriers),
  });
  const convert = wanted.map((one) =>
    step(`convert ${short(one.tenant)} ${one.name} on ${one.device} with ${one.proxySet}`, (model, world) =>
      post(world, model, one, (attempt) => attempt()),
    ),
  );
  const deliverThrice = wanted.map((one) =>
    step(
      `deliver thrice ${short(one.tenant)} ${one.name} on ${one.device} with ${one.proxySet}`,
      async (model, world) => {
        // At once: whichever is accepted first, the others are told so.
        const before = model.asked.get(one.tenant)?.length ?? 0;
        await Promise.all([0, 1, 2].map(() => post(world, model, one, (attempt) => attempt())));
        for (const asked of (model.asked.get(one.tenant) ?? []).slice(before))
          if (asked.kind === "convert") asked.repeated = true;
      },
    ),
  );
  const killInDelivery = wanted.map((one) =>
    step(`kill the agent while ${short(one.tenant)} ${one.name} is delivered to ${one.device}`, (model, world) =>
      post(world, model, one, async (attempt) => {
        const answer = attempt().catch(() => undefined);
        await world.killAgent();
        return answer;
      }),
    ),
  );
  const change = fc.record({ tenant, proxySet: fc.constantFrom(...carriers) }).map(({ tenant, proxySet }) =>
    step(`change ${short(tenant)} to ${proxySet}`, async (model, world) => {
      const guid = await guidOf(world, tenant);
      if (guid === undefined) return;
      const body = { scriptParameters: { ProxySet: proxySet } };
      const answer = await world.agent.client.ask("PATCH", `/api/v2/customer/${guid}/sitelocation/`, body);
      // Otherwise it is being removed.
      if (answer.status === 200)
        model.asked.get(tenant)?.push({ kind: "change", taskId: String(answer.body), proxySet });
    }),
  );
  const remove = (text: string, query: string) =>
    tenant.map((tenant) =>
      step(`${text} ${short(tenant)}`, async (model, world) => {
        const guid = await guidOf(world, tenant);
        if (guid === undefined) return;
        const answer = await world.agent.client.ask("DELETE", `/api/v2/sitelocation/${guid}${query}`);
        if (answer.status !== 200) return;
        const { sbcCleanupTaskId: taskId } = answer.body as { sbcCleanupTaskId: string };
        const asked = model.asked.get(tenant) ?? [];
        // A second asking joins the first.
        if (!asked.some((one) => one.kind === "removal" && one.taskId === taskId))
          asked.push({ kind: "removal", taskId });
      }),
    );
  const adopt = fc.nat(routes.length - 1).map((device) =>
    step(`adopt what stands on ${device}`, async (model, world) => {
      const answer = await world.agent.client.ask("POST", "/api/agent/v1/adopt", { device: `sbc${device}` });
      if (answer.status !== 200) return;
      for (const { tenantId, shortName } of (answer.body as AdoptReport).adopted) {
        model.asked.get(tenantId)?.push({ kind: "adoption", name: shortName, device });
        model.foreign[device] = (model.foreign[device] ?? []).filter(({ fields }) => fields["Name"] !== shortName);
      }
    }),
  );
  return [
    { weight: 2, arbitrary: adopt },
    { weight: 10, arbitrary: convert },
    { weight: 2, arbitrary: deliverThrice },
    { weight: 1, arbitrary: killInDelivery },
    { weight: 4, arbitrary: change },
    { weight: 4, arbitrary: remove("remove", "") },
    { weight: 1, arbitrary: remove("give up", "?forgetDevice=true") },
  ];
}

async function guidOf(world: World, tenant: string): Promise<string | undefined> {
  const { body } = await world.agent.client.ask("GET", "/api/v3/customer");
  const customers = body as { UmpCustomerGuid: string; MsTenantId: string }[];
  return customers.find(({ MsTenantId }) => MsTenantId === tenant)?.UmpCustomerGuid;
}
