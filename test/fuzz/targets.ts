import { toNewConversion, createCustomer } from "../../agent/portal/requests.ts";
import { findJsonFault } from "../../agent/portal/json.ts";
import { claimAnswer, peekAnswer, pollAnswer } from "../../agent/pull-shapes.ts";
import { judgeAnswer } from "../../agent/source/portal-answer.ts";
import { readConversions, readLinkWithSecrets } from "../../agent/source/wire.ts";
import { DriverError, type DriverErrorCode } from "../../drivers/errors.ts";
import { refusal } from "../../drivers/mediant/grammar.ts";
import { mediant70, mediant72, mediant74 } from "../../drivers/mediant/dialects.ts";
import { parseIni, type IniFile } from "../../drivers/mediant/parse-ini.ts";
import { iniRows, runningRows, wantedColumns, type FoundRow } from "../../drivers/mediant/rows.ts";
import { mediantTables } from "../../drivers/mediant/tables.ts";
import { parseVersion } from "../../drivers/mediant/version-text.ts";
import { defaultRefusedLine } from "../../drivers/refused-line.ts";
import { jsonOf, requireOk, requireTaken, type Asked } from "../../drivers/rest-answer.ts";
import { parseStatus } from "../../drivers/rest-status.ts";
import type { Input } from "./mutate.ts";
import { deviceAnswers, portalAnswers, printDevices, requests, versions, type DeviceTexts } from "./samples.ts";
import { terminalTarget } from "./terminal.ts";

/** A reader of what comes from outside. */
export interface Target {
  name: string;
  samples: readonly string[];
  /** Reads the input as the product would. Throws for whatever the product may never do with it. */
  check(input: Input): void | Promise<void>;
}

/** What the reader gives; undefined where it refuses in the way it may. Throws anything else on. */
function readOrRefuse<T>(codes: readonly DriverErrorCode[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DriverError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

const dialects = [mediant74, mediant72, mediant70];
const placesOf = (rows: readonly FoundRow[]): string =>
  rows.map(({ table, index, parent }) => `${table} ${parent ?? ""}/${index}`).join(" ");

function runningTarget(devices: readonly DeviceTexts[]): Target {
  const samples = devices.map(({ running }) => running);
  const all = (text: string) => {
    const { rows, roots } = runningRows(text, mediantTables);
    return { roots, places: [...rows.values()].map(placesOf).join(" ") };
  };
  const whole = samples.map(all);
  return {
    name: "running",
    samples,
    check({ text, isCut, sample }) {
      const read = readOrRefuse(["protocol"], () => all(text));
      if (read === undefined || !isCut) return;
      // Between two blocks a cut cannot be seen; then the dialect misses one.
      const isLacking = dialects[sample]?.usualRoots.some((root) => !read.roots.has(root)) === true;
      if (!isLacking && read.places !== whole[sample]?.places)
        throw new Error("a running configuration that was cut short was taken for a whole one");
    },
  };
}

function iniTarget(devices: readonly DeviceTexts[]): Target {
  const samples = devices.map(({ ini }) => ini);
  const wanted = new Map(
    [...mediantTables.values()].map((schema) => [schema.iniName.toLowerCase(), wantedColumns(schema)]),
  );
  const rowsOf = (file: IniFile) =>
    new Map([...mediantTables.values()].map((schema) => [schema.iniName.toLowerCase(), iniRows(file, schema)]));
  const whole = samples.map((text) => rowsOf(parseIni(text, wanted)));
  return {
    name: "ini",
    samples,
    check({ text, isCut, sample }) {
      const file = readOrRefuse(["protocol"], () => parseIni(text, wanted));
      if (file === undefined) return;
      const rows = readOrRefuse(["protocol"], () => rowsOf(file));
      if (rows === undefined || !isCut) return;
      for (const name of file.tables.keys())
        if (placesOf(rows.get(name) ?? []) !== placesOf(whole[sample]?.get(name) ?? []))
          throw new Error(`part of table ${name} was taken for all of it`);
    },
  };
}

const versionTarget: Target = {
  name: "version",
  samples: versions,
  check: ({ text }) => void readOrRefuse(["protocol"], () => parseVersion(text.split("\n"))),
};

const grammars = [...mediantTables.values()].flatMap(({ fields }) => fields);

/** What the device's own words may lead to: a value of the plan that is written back. */
const grammarTarget: Target = {
  name: "grammar",
  samples: ["Trunk=f79a7f93-5ef7-47d2-92c8-e4570503cec3;a=b", "sip.example.com:5061", "500,503,504", "Acme trunk 1"],
  check({ text }) {
    for (const field of grammars) {
      if (refusal(field, text) !== undefined) continue;
      if (/[\p{Cc}"\\\u0080-\uffff]/u.test(text)) throw new Error(`${field.name} takes what may not be on a line`);
    }
  },
};

const strike = (text: string): string => text;
const asked: Asked = { device: "edge", user: "agent", strike };
const script = { what: "sending", method: "PUT", path: "files", body: undefined, deadlineMs: 1 } as const;

const restTarget: Target = {
  name: "rest",
  samples: deviceAnswers,
  check({ text, isCut }) {
    const codes = ["protocol", "rejected"] as const;
    const answer = { status: 200, text, lengthKnown: true };
    readOrRefuse(codes, () => parseStatus(jsonOf(answer, script, asked)));
    const taken = readOrRefuse(codes, () => requireTaken(answer, script, asked, defaultRefusedLine));
    if (isCut && taken !== undefined) throw new Error("an answer that was cut short was taken for a receipt");
    for (const [status, code] of [
      [400, "rejected"],
      [401, "auth"],
      [409, "busy"],
      [500, "protocol"],
    ] as const)
      if (readOrRefuse([code], () => requireOk({ ...answer, status }, script, asked)) !== undefined)
        throw new Error(`an answer of status ${status} was taken`);
  },
};

const settings = { secretVariables: ["CarrierUserPassword", "*Password*"], resolveDevice: () => undefined };

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const requestTarget: Target = {
  name: "request",
  samples: requests,
  check({ text, isCut }) {
    const fault = findJsonFault(text);
    const parsed = parseJson(text);
    if (fault === undefined && parsed === undefined) throw new Error("what is no JSON was taken for some");
    if (isCut && fault === undefined) throw new Error("JSON that was cut short was taken for a whole one");
    if (fault !== undefined || parsed === undefined) return;
    const body = createCustomer.safeParse(parsed.value);
    if (!body.success) return;
    const { variables, secrets } = toNewConversion(body.data, settings);
    for (const values of [variables, secrets])
      for (const [name, value] of Object.entries(values))
        if (/[\p{Cc}]/u.test(value) || !/^[A-Za-z][A-Za-z0-9_.]*$/.test(name))
          throw new Error(`parameter ${JSON.stringify(name)} holds a control character, or its name is none`);
  },
};

const pullTarget: Target = {
  name: "pull",
  samples: portalAnswers,
  check({ text, isCut }) {
    const told = { portal: "https://portal", what: "a claim", expected: 200, token: "token" } as const;
    for (const status of [200, 204, 302, 401, 403, 409, 429, 500]) {
      const verdict = judgeAnswer({ status, headers: { "retry-after": text, location: text }, text }, told);
      if (status === 200 && isCut && verdict.kind === "text")
        throw new Error("an answer that was cut short was taken for a whole one");
      if (status !== 200 && status !== 204 && verdict.kind === "text")
        throw new Error(`${status} passed for a success`);
    }
    const value = parseJson(text)?.value;
    const claim = claimAnswer.safeParse(value);
    if (claim.success && claim.data.kind === "claimed") {
      readConversions(claim.data.conversions, "sbc1");
      claim.data.links.forEach(readLinkWithSecrets);
    }
    pollAnswer.safeParse(value);
    peekAnswer.safeParse(value);
  },
};

export async function createTargets(): Promise<readonly Target[]> {
  const devices = await printDevices();
  const running = runningTarget(devices);
  return [
    running,
    iniTarget(devices),
    terminalTarget(running.samples[0] ?? ""),
    restTarget,
    requestTarget,
    pullTarget,
    versionTarget,
    grammarTarget,
  ];
}
