import { describe, expect, it } from "vitest";
import { parseMapping } from "../../agent/commands/mapping-file.ts";
import type { AdoptReport } from "../../agent/reports.ts";
import { createFolder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";

const tenant = "f79a7f93-5ef7-47d2-92c8-e4570503cec3";
const florist = {
  customerGuid: "0c1f7a55-0f7e-4b0e-9d55-0b8f3a3c6a01",
  tenantId: tenant,
  shortName: "Florist",
  fullName: "Florist Ltd",
  gateway: "oc1.example.com",
  ipGroups: ["Florist"],
  tagged: true,
};
const nothing: AdoptReport = {
  device: "sbc-1",
  dryRun: false,
  result: "done",
  reason: null,
  adopted: [],
  skipped: [],
  linked: 0,
  unnamed: 0,
};

async function adopt(report: Partial<AdoptReport>, options: string[] = [], files: Record<string, string> = {}) {
  const agent = await startSmallAgent({ "POST /api/agent/v1/adopt": { body: { ...nothing, ...report } } });
  const folder = createFolder();
  folder.announce(agent.url);
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const spoken = await folder.run(["adopt", "--device", "sbc-1", ...options]);
  return { ...spoken, asked: agent.asked.map(({ body }) => JSON.parse(body) as unknown) };
}

describe("adopt", () => {
  it("keeps hundreds of customers in the same columns, whatever is in their names", async () => {
    const odd = ["Florist with the longest name of all", "\u{1f33b}", "花屋"];
    const plain = Array.from({ length: 300 }, (_, i) => `Shop${i}`);
    const adopted = [...plain, ...odd].map((shortName) => ({ ...florist, shortName }));
    const { stdout } = await adopt({ adopted });
    const lines = stdout.split("\n").filter((line) => line.includes(tenant));
    expect(lines).toHaveLength(adopted.length);
    const start = "Florist with the longest name of all ".length;
    expect(lines.slice(0, -2).filter((line) => line.indexOf(tenant) !== start)).toEqual([]);
    // A terminal shows the last two wider than one column a character.
    expect(lines.slice(-2).map((line) => line.indexOf(tenant))).toEqual([start, start - 2]);
  });

  it("shows who was linked, what was skipped and why, and how much was left alone", async () => {
    const { code, stdout, asked } = await adopt({
      adopted: [florist],
      skipped: [
        { ipGroup: "Butcher", tenantId: tenant, reason: `tenant ${tenant} is not known` },
        { ipGroup: "Grocer", tenantId: tenant, reason: "not active" },
      ],
      linked: 1,
      unnamed: 2,
    });
    expect({ code, asked }).toEqual({ code: 0, asked: [{ device: "sbc-1", mapping: [], dryRun: false }] });
    expect(stdout).toBe(`sbc-1: 1 customer linked

Customer  Tenant                                IP Groups  Gateway
Florist   ${tenant}  Florist    oc1.example.com

Skipped
  Butcher: tenant ${tenant} is not known
  Grocer (${tenant}): not active

1 IP Group of customers that were linked before.
2 IP Groups left alone: no tag and no mapping says whose.
`);
  });

  it("says how customers without a tag get one", async () => {
    const { stdout } = await adopt({ adopted: [{ ...florist, tagged: false }] });
    expect(stdout).toContain("sbc-agent resync --device sbc-1 --rerender");
  });

  it.each<[string, Partial<AdoptReport>, string[], number]>([
    ["nothing was found", {}, [], 0],
    ["a dry run found something", { dryRun: true, adopted: [florist] }, ["--dry-run"], 3],
    ["a dry run found nothing", { dryRun: true }, ["--dry-run"], 0],
    ["the device is held", { result: "put-off", reason: "held" }, [], 1],
    ["the device refuses the log-in", { result: "failed", reason: "auth" }, [], 1],
  ])("exits as the report says: %s", async (_, report, options, code) => {
    expect((await adopt(report, options)).code).toBe(code);
  });

  it("sends the mapping along", async () => {
    const { asked } = await adopt({}, ["--mapping", "map.csv", "--dry-run"], {
      "map.csv": `ipGroup,tenantId\nFlorist,${tenant}\n`,
    });
    expect(asked).toEqual([{ device: "sbc-1", mapping: [{ ipGroup: "Florist", tenantId: tenant }], dryRun: true }]);
  });

  it("exits 2 for a mapping that is none, naming every fault, and asks nothing", async () => {
    const { code, stderr, asked } = await adopt({}, ["--mapping", "map.yaml"], {
      "map.yaml": `- { ipGroup: Florist, tenantId: "17" }\n- { tenantId: ${tenant}, group: x }\n`,
    });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toMatch(/map.yaml is no mapping:[^]*entry 1, tenantId:[^]*entry 2, ipGroup:/);
  });
});

describe("a mapping file", () => {
  const csv: [string, string][] = [
    ["commas", `ipGroup,tenantId,gateway,fullName\n"Flo,rist",${tenant},,"The ""Florist"" Ltd"\n`],
    [
      "semicolons, another order, CRLF and a byte order mark",
      `\uFEFFTenantId;IPGROUP;note;fullname\r\n${tenant};Flo,rist;x;The "Florist" Ltd\r\n\r\n`,
    ],
  ];
  it.each(csv)("is CSV with %s", (_, text) => {
    expect(parseMapping(text, "map.CSV")).toEqual([
      { ipGroup: "Flo,rist", tenantId: tenant, fullName: 'The "Florist" Ltd' },
    ]);
  });

  it("is a YAML list otherwise", () => {
    expect(parseMapping(`- ipGroup: Florist\n  tenantId: ${tenant}\n  gateway: oc1.example.com\n`, "map.yaml")).toEqual(
      [{ ipGroup: "Florist", tenantId: tenant, gateway: "oc1.example.com" }],
    );
  });

  it.each([
    ["a head line that names no tenant", "ipGroup,tenant\nFlorist,x\n", "map.csv", "columns ipGroup and tenantId"],
    ["an IP Group twice", `ipGroup,tenantId\nA,${tenant}\na,${tenant}\n`, "map.csv", "names an IP Group twice"],
    ["no list", "florist", "map.yaml", "the list"],
    ["no YAML", "a: [", "map.yaml", "Flow sequence"],
  ])("is refused for %s", (_, text, file, words) => {
    expect(() => parseMapping(text, file)).toThrow(words);
  });
});
