import { testDriver, testReadingDriver } from "../driver-contract.ts";
import { late70, of2019, of2022, of2025 } from "./generations.ts";
import { startSshDevice } from "./ssh-device.ts";

for (const generation of [of2019, of2022, of2025])
  testDriver(`the SSH driver on a ${generation.name}`, generation, startSshDevice);

testDriver("the SSH driver that waits for each line", of2025, (ini) => startSshDevice(ini, { pipelineDepth: 1 }));

testReadingDriver(`the SSH driver on a ${late70.name}`, late70, startSshDevice);
