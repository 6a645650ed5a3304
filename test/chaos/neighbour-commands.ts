import fc from "fast-check";
import { step, type WeightedSteps } from "./customer-commands.ts";
import { brown, brownSet, type Model } from "./model.ts";
import { rowsOf, type TableRow } from "./rows.ts";
import { routes, type World } from "./world.ts";

/** Far above what a run gives out: between its read and its script, the very same index cannot be defended. */
const gap = 20;

/** What the device refuses of it, as when a row is referred to, does not happen. */
async function edit(world: World, device: number, lines: readonly string[]): Promise<void> {
  await fetch(`${world.mocks[device]?.control ?? ""}/edit`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ lines }),
  });
}

const inVoip = (lines: readonly string[], save: boolean): string[] => [
  "configure voip",
  ...lines,
  "exit",
  ...(save ? ["write"] : []),
];

/** A save saves what is there. */
function markSaved(model: Model, world: World, device: number): void {
  const mock = world.mocks[device];
  if (mock === undefined) return;
  const inFlash = new Set(rowsOf(mock, "startup", "IPGroup").map(({ fields }) => fields["Name"]));
  for (const row of model.foreign[device] ?? []) row.saved ||= inFlash.has(row.fields["Name"]);
}

function pick(rows: readonly TableRow[], place: number): TableRow | undefined {
  return rows[place % Math.max(1, rows.length)];
}

/** IP Groups that carry a tenant's tag: rows of the agent. */
function oursOn(world: World, device: number): TableRow[] {
  const mock = world.mocks[device];
  return mock === undefined
    ? []
    : rowsOf(mock, "running", "IPGroup").filter(
        ({ fields }) => fields["Tags"]?.startsWith("Trunk=") === true && fields["Name"]?.startsWith(brown) !== true,
      );
}

interface Addition {
  device: number;
  save: boolean;
  /** The index follows. */
  name: string;
  tags: string;
}

async function add(model: Model, world: World, { device, save, name: stem, tags }: Addition): Promise<void> {
  const mock = world.mocks[device];
  if (mock === undefined) return;
  const index = Math.max(...rowsOf(mock, "running", "IPGroup").map((row) => row.index)) + gap;
  const lines = [
    `ip-group ${index}`,
    `name "${stem}${index}"`,
    `proxy-set-name "${brownSet}"`,
    'srd-name "DefaultSRD"',
    `tags "${tags}"`,
  ];
  await edit(world, device, inVoip([...lines, "activate", "exit"], save));
  const made = rowsOf(mock, "running", "IPGroup").find((row) => row.index === index);
  if (made === undefined) return;
  // A row that was lost may have had the same index, and so the same name.
  const others = (model.foreign[device] ?? []).filter((row) => row.index !== index);
  model.foreign[device] = [...others, { ...made, saved: false, boots: mock.device.boots }];
  if (save) markSaved(model, world, device);
}

/** What another administrator does in the meantime. */
export function drawNeighbourSteps(tenants: readonly string[]): WeightedSteps[] {
  const where = { device: fc.nat(routes.length - 1), save: fc.boolean() };
  const addRow = fc
    .record(where)
    .map(({ device, save }) =>
      step(`another administrator adds a row on ${device}${save ? " and saves" : ""}`, (model, world) =>
        add(model, world, { device, save, name: "Foreign", tags: "Customer=Other" }),
      ),
    );
  const addBrown = fc
    .record({ ...where, tenant: fc.constantFrom(...tenants) })
    .map(({ device, save, tenant }) =>
      step(`a row of t${tenants.indexOf(tenant)} comes to stand on ${device}${save ? ", saved" : ""}`, (model, world) =>
        add(model, world, { device, save, name: brown, tags: `Trunk=${tenant}` }),
      ),
    );
  const changeOurs = fc.record({ ...where, place: fc.nat(9) }).map(({ device, save, place }) =>
    step(
      `another administrator edits row ${place} of ours on ${device}${save ? " and saves" : ""}`,
      async (model, world) => {
        const row = pick(oursOn(world, device), place);
        if (row === undefined) return;
        const lines = [`ip-group ${row.index}`, `ip-profile-name "IPP_Teams"`, "activate", "exit"];
        await edit(world, device, inVoip(lines, save));
        if (save) markSaved(model, world, device);
      },
    ),
  );
  const deleteOurs = fc.record({ ...where, place: fc.nat(9) }).map(({ device, save, place }) =>
    step(
      `another administrator deletes row ${place} of ours on ${device}${save ? " and saves" : ""}`,
      async (model, world) => {
        const row = pick(oursOn(world, device), place);
        if (row === undefined) return;
        model.deleted[device]?.add(row.index);
        await edit(world, device, inVoip([`no ip-group ${row.index}`], save));
        if (save) markSaved(model, world, device);
      },
    ),
  );
  return [
    { weight: 3, arbitrary: addRow },
    { weight: 2, arbitrary: addBrown },
    { weight: 2, arbitrary: changeOurs },
    { weight: 2, arbitrary: deleteOurs },
  ];
}
