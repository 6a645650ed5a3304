import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlueprintError, loadBlueprints, parseBlueprint, parseTemplate } from "../../agent/provisioning/blueprint.ts";

const proxySet = "  - { table: proxy-set, id: trunk, shared: true, fields: { proxy-name: '{{ProxySet}}' } }";

function blueprintText(rows: readonly string[], head = "name: mine\ndescription: of this test"): string {
  return [head, "rows:", ...rows].join("\n");
}

function faultsOf(text: string): readonly string[] {
  try {
    parseBlueprint(text, "mine.yaml");
    return [];
  } catch (error) {
    if (error instanceof BlueprintError) return error.faults;
    throw error;
  }
}

describe("the shipped blueprints", () => {
  it("load, and there are two of them", () => {
    expect([...loadBlueprints(undefined).keys()]).toEqual(["oc-default", "oc-two-legs"]);
  });

  it.each(["oc-default", "oc-two-legs"])("tag every IP Group of %s with the tenant", (name) => {
    const groups = loadBlueprints(undefined)
      .get(name)
      ?.rows.filter(({ table }) => table === "ip-group");
    expect(groups?.map(({ fields }) => fields["tags"])).not.toContain(undefined);
  });
});

describe("a folder of blueprints", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "blueprints-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("may replace a shipped blueprint", () => {
    writeFileSync(join(folder, "own.yaml"), blueprintText([proxySet], "name: oc-default\ndescription: ours"));
    expect(loadBlueprints(folder).get("oc-default")?.description).toBe("ours");
  });

  it("is faulted as a whole: every fault of every file, with file and path", () => {
    const group = (fields: string) => `  - { table: ip-group, fields: { ${fields} } }`;
    writeFileSync(join(folder, "a.yaml"), blueprintText([proxySet, group("name: '{{shortName}}', colour: red")]));
    writeFileSync(join(folder, "b.yaml"), blueprintText([group("tags: x"), group("name: '{{nobody.name}}'")]));
    const load = () => loadBlueprints(folder);
    expect(load).toThrow(BlueprintError);
    expect(load).toThrow(`${join(folder, "a.yaml")}: rows.1.fields.colour: no such field`);
    expect(load).toThrow(`${join(folder, "b.yaml")}: rows.0.fields: 'name' names the row and must be set`);
    expect(load).toThrow(`${join(folder, "b.yaml")}: rows.1.fields.name: no earlier row has the id 'nobody'`);
  });

  it("is refused when two of its files have one name, for one of them would be lost", () => {
    writeFileSync(join(folder, "a.yaml"), blueprintText([proxySet]));
    writeFileSync(join(folder, "b.yaml"), blueprintText([proxySet]));
    expect(() => loadBlueprints(folder)).toThrow(BlueprintError);
  });

  it("that is not there is a fault like any other", () => {
    expect(() => loadBlueprints(join(folder, "nowhere"))).toThrow(BlueprintError);
  });
});

describe("a blueprint is refused", () => {
  it.each([
    ["text that is no YAML", "name: [", "mine.yaml: "],
    ["a key that stands twice", "name: a\nname: b\ndescription: c\nrows: []", "unique"],
    ["a name with spaces", blueprintText([proxySet], "name: my own\ndescription: x"), "mine.yaml: name: "],
    ["no rows", "name: mine\ndescription: x\nrows: []", "mine.yaml: rows: "],
    ["a word that nobody knows", blueprintText([proxySet], "name: mine\ndescription: x\nscript: y"), "script"],
    [
      "a table that is not owned",
      blueprintText(["  - { table: srd, fields: { name: x } }"]),
      "'srd' cannot be written",
    ],
    ["a table of child rows", blueprintText(["  - { table: proxy-ip, fields: {} }"]), "'proxy-ip' cannot be written"],
    ["a table that is none", blueprintText(["  - { table: toString, fields: {} }"]), "'toString' cannot be written"],
    [
      "a shared IP Group",
      blueprintText(["  - { table: ip-group, shared: true, fields: { name: x } }"]),
      "rows.0.shared: Proxy Sets are shared",
    ],
    [
      "a Proxy Set that is not shared",
      blueprintText(["  - { table: proxy-set, fields: { proxy-name: x } }"]),
      "rows.0.shared: Proxy Sets are shared",
    ],
    [
      "a Proxy Set with fields beside its name",
      blueprintText(["  - { table: proxy-set, shared: true, fields: { proxy-name: x, srd-name: y } }"]),
      "rows.0.fields: a shared Proxy Set is only named here",
    ],
    [
      "a field whose CLI name is not known",
      blueprintText(["  - { table: ip-group, fields: { name: x, TeamsRegistrationMode: '1' } }"]),
      "rows.0.fields.TeamsRegistrationMode: its CLI name or its default is not known",
    ],
    [
      "a field whose default is not known",
      blueprintText(["  - { table: ip-group, fields: { name: x, re-routing-mode: '1' } }"]),
      "rows.0.fields.re-routing-mode: its CLI name or its default is not known",
    ],
    [
      "a fixed value that the field's grammar refuses",
      blueprintText(["  - { table: ip-group, fields: { name: x, type: circus } }"]),
      "rows.0.fields.type: type takes server, user, gateway",
    ],
    [
      "a reference to a row that comes later",
      blueprintText(["  - { table: ip-group, fields: { name: x, proxy-set-name: '{{trunk.proxy-name}}' } }", proxySet]),
      "rows.0.fields.proxy-set-name: no earlier row has the id 'trunk'",
    ],
    [
      "a placeholder without an end",
      blueprintText(["  - { table: ip-group, fields: { name: '{{shortName' } }"]),
      "a placeholder is written {{name}} or {{name?}}",
    ],
  ])("for %s", (_, text, fault) => {
    expect(faultsOf(text).join("\n")).toContain(fault);
  });

  it("for a reference to a fact that the row does not give", () => {
    const group = "  - { table: ip-group, fields: { name: x, sip-group-name: '{{trunk.colour}}' } }";
    expect(faultsOf(blueprintText([proxySet, group]))).not.toEqual([]);
  });

  it("for two rows of one id, for the second would hide the first", () => {
    expect(faultsOf(blueprintText([proxySet, proxySet]))).not.toEqual([]);
  });

  it("for a row whose id is `device`, for its facts would pass for the device's settings", () => {
    expect(faultsOf(blueprintText([proxySet.replace("trunk", "device")]))).not.toEqual([]);
  });

  it("for a secret field that is not filled by one variable alone", () => {
    const account = [
      "  - table: account",
      "    fields: { served-ip-group-name: x, serving-ip-group-name: x, password: open-to-all }",
    ];
    expect(faultsOf(blueprintText(account))).not.toEqual([]);
  });
});

describe("a template", () => {
  it.each([
    ["", []],
    ["enable", [{ text: "enable" }]],
    ["{{shortName}}", [{ variable: "shortName", optional: false }]],
    ["{{ shortName? }}", [{ variable: "shortName", optional: true }]],
    ["Trunk={{msTenantId}};x", [{ text: "Trunk=" }, { variable: "msTenantId", optional: false }, { text: ";x" }]],
    [
      "{{a}}{{CustomVar.b-c}}",
      [
        { variable: "a", optional: false },
        { variable: "CustomVar.b-c", optional: false },
      ],
    ],
    ["{ a } b", [{ text: "{ a } b" }]],
  ])("%j falls into its parts", (template, parts) => {
    expect(parseTemplate(template)).toEqual(parts);
  });

  it.each(["{{", "}}", "{{}}", "{{a", "a}}", "{{1a}}", "{{a b}}", "{{a??}}", "{{a{{b}}}}"])(
    "%j is refused",
    (template) => {
      expect(() => parseTemplate(template)).toThrow(/placeholder|is not \{\{name\}\}/);
    },
  );
});

describe("the hash of a blueprint", () => {
  const group = (type: string) => `  - { table: ip-group, fields: { name: '{{shortName}}', type: ${type} } }`;
  const hash = (text: string) => parseBlueprint(text, "mine.yaml").hash;

  it("changes with its content", () => {
    expect(hash(blueprintText([proxySet, group("user")]))).not.toBe(hash(blueprintText([proxySet, group("server")])));
  });

  it("changes with a default of its device variables", () => {
    const head = (value: string) => `name: mine\ndescription: x\ndefaults: { teams: ${value} }`;
    expect(hash(blueprintText([proxySet], head("a")))).not.toBe(hash(blueprintText([proxySet], head("b"))));
  });

  it("does not change with comments and quotes", () => {
    const quoted = blueprintText(["# a comment", proxySet, group('"user"')]);
    expect(hash(quoted)).toBe(hash(blueprintText([proxySet, group("user")])));
  });
});
