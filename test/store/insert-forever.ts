import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { openSealer, readSealKey } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import { newConversion, rules } from "./contract/setting.ts";

/** A process to be killed: accepts conversions into the store it is given and prints each task id once it has it. */
const [file = "", keyFile = ""] = process.argv.slice(2);
const sealer = openSealer(readSealKey(keyFile));
const store = openSqliteStore({ file, judge: rules, sealer, deadlineMs: 1_000, keepSecrets: true });

for (;;) {
  const conversion = { ...newConversion(), shortName: randomUUID(), secrets: { Password: randomUUID() } };
  await store.createLead({ tenantId: conversion.tenantId, companyName: conversion.tenantId });
  const { taskId } = await store.accept(conversion);
  writeSync(1, `${taskId}\n`);
}
