import type { TableName } from "../driver.ts";

type Limits = Readonly<Partial<Record<TableName, number>>>;

const small: Limits = { "proxy-set": 80, "proxy-ip": 10, "ip-group": 80 };
const gb3: Limits = { "proxy-set": 1_000, "proxy-ip": 10, "ip-group": 1_000 };
const gb4: Limits = { "proxy-set": 1_500, "proxy-ip": 10, "ip-group": 1_500 };
const large: Limits = { "proxy-set": 5_000, "proxy-ip": 50, "ip-group": 5_000 };

/** Rows that tables hold, by model tier. A table that is absent has no known limit. */
export const limitsByModel: ReadonlyMap<string, Limits> = new Map([
  ["mediant-500", small],
  ["mp-1288", small],
  ["mediant-500-msbr", { "proxy-set": 102, "proxy-ip": 10 }],
  ["mediant-1000b", { "proxy-ip": 10, "ip-group": 102, account: 102 }],
  ["ve-2gb", small],
  ["ce-2gb", small],
  ["ve-3.5gb", gb3],
  ["ce-3.5gb", gb3],
  ["ve-4gb", gb4],
  ["ce-4gb", gb4],
  ["ve-8gb", gb4],
  ["ce-8gb", gb4],
  ["ve-16gb", gb4],
  ["ce-16gb", gb4],
  ["ve-32gb", large],
  ["ce-32gb", large],
  ["ve-64gb", large],
  ["ce-64gb", large],
  ["se", large],
  ["mediant-9000", { "proxy-set": 5_000, "ip-group": 5_000 }],
]);
