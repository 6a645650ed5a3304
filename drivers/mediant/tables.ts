import type { TableName, TableSchema } from "../driver.ts";
import { account } from "./tables/account.ts";
import { ipGroup } from "./tables/ip-group.ts";
import { neighbours } from "./tables/neighbours.ts";
import { proxyIp } from "./tables/proxy-ip.ts";
import { proxySet } from "./tables/proxy-set.ts";

/** All tables of the newest generation: those that may be written, parents before children, then their neighbours. */
export const mediantTables: ReadonlyMap<TableName, TableSchema> = new Map(
  [proxySet, proxyIp, ipGroup, account, ...neighbours].map((table) => [table.name, table]),
);
