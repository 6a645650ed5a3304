import type { DriverOptions } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { testDriver, testReadingDriver } from "../driver-contract.ts";
import type { ContractFault, DriverEnvironment } from "./contract-environment.ts";
import { late70, of2019, of2022, of2025 } from "./generations.ts";
import { environmentOf } from "./mock-environment.ts";

async function startRestDevice(ini: string): Promise<DriverEnvironment> {
  const mock = await startMockSbc({ ini, user: "agent", password: "hunter2-correct" });
  const open = (more?: Partial<DriverOptions>) =>
    drivers.rest.open({
      device: "edge-1",
      address: mock.rest,
      user: "agent",
      password: "hunter2-correct",
      trust: { kind: "certificate", pem: mock.certificatePem, checkName: true },
      model: "ve-4gb",
      deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 },
      ...more,
    });
  return environmentOf(mock, open, orderOf);
}

function orderOf(fault: ContractFault): FaultOrder | FaultOrder[] {
  switch (fault.kind) {
    case "busy":
      return { name: "ha-sync" };
    case "refused line":
      return { name: "reject-line", match: fault.match, text: fault.words };
    case "silent":
      return [
        { name: "hang", method: "PUT" },
        { name: "hang", method: "POST" },
      ];
    case "lost answer":
      return { name: "cut-after-request", method: "PUT", times: 1 };
    case "cut read":
      return { name: "truncate-read", path: "cliScript" };
    case "refused log-in":
      return { name: "unauthorized-after" };
  }
}

for (const generation of [of2019, of2022, of2025])
  testDriver(`the REST driver on a ${generation.name}`, generation, startRestDevice);

testReadingDriver(`the REST driver on a ${late70.name}`, late70, startRestDevice);
