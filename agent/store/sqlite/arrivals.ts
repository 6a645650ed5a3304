import type { Connection } from "./connection.ts";

/** Counts what arrives at a device; each number is higher than the one before. Called inside a transaction. */
export type Arrivals = (device: string) => number | undefined;

export function openArrivals({ db }: Connection): Arrivals {
  const arrive = db.prepare<[string], { arrival: number }>(
    `INSERT INTO facts (key, value) VALUES ('arrivals at ' || ?, '1')
     ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING CAST(value AS INTEGER) AS arrival`,
  );
  return (device) => arrive.get(device)?.arrival;
}
