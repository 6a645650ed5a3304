import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Scope } from "../../agent/settings/config-schema.ts";
import { scopes } from "../../agent/settings/config-schema.ts";
import { device, startServer, tokenOf, unknownGuid } from "../portal/server.ts";

interface Operation {
  tags: string[];
  security?: unknown[];
}

/** Paths that go with the documented one. */
const prefixesOf: Readonly<Record<string, readonly string[]>> = { portal: ["", "/tenantui"] };

/** Who may call a documented route, by its tag and what it does. */
function allowedOf(path: string, { tags: [tag] }: Operation): readonly Scope[] {
  if (tag === "portal") return ["client", "admin"];
  if (tag === "pull") return ["agent"];
  if (path === "/openapi.json") return ["client", "read", "operate", "admin"];
  if (path.endsWith("/audit")) return ["admin"];
  if (/\/(?:resync|adopt|drift\/check|pause|resume)$/.test(path)) return ["operate", "admin"];
  return ["read", "admin"];
}

const known: Readonly<Record<string, string>> = {
  device,
  customerGuid: unknownGuid,
  sbcSiteGuid: unknownGuid,
  subject: device,
  taskId: "wst_1",
};
/** What is no dry run is found out from the body. */
const bodies: Readonly<Record<string, object>> = { resync: {}, adopt: { device } };

function fill(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, variable: string) => {
    const value = known[variable];
    if (value === undefined) throw new Error(`nothing is known to fill ${path} with`);
    return value;
  });
}

interface Documented {
  method: string;
  path: string;
  operation: Operation;
}

async function documentedBy(server: Awaited<ReturnType<typeof startServer>>): Promise<Documented[]> {
  const { body } = await server.call("GET", "/openapi.json", { token: tokenOf("read") });
  const { paths } = body as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      (prefixesOf[operation.tags[0] ?? ""] ?? [""]).map((prefix) => ({
        method: method.toUpperCase(),
        path: `${prefix}${path}`,
        operation,
      })),
    ),
  );
}

describe.each(["embedded", "portal", "agent"] as const)(
  "rule 5: every route that a server of role %s documents",
  (role) => {
    it("wants a token, all but two that say whether it is alive and ready", async () => {
      const server = await startServer({ role });
      const open: string[] = [];
      for (const { method, path, operation } of await documentedBy(server)) {
        const { status } = await server.call(method, fill(path), { token: "" });
        if (operation.security?.length === 0) open.push(`${method} ${path} ${status}`);
        else expect(status, `${method} ${path}`).toBe(401);
      }
      expect(open.sort()).toEqual(["GET /livez 200", "GET /readyz 200"]);
    });

    it("is for the scopes of its kind alone", async () => {
      const server = await startServer({ role });
      const routes = (await documentedBy(server)).filter(({ operation }) => operation.security?.length !== 0);
      expect(routes.length).toBeGreaterThan(3);
      for (const { method, path, operation } of routes)
        for (const scope of scopes) {
          const body = bodies[path.split("/").at(-1) ?? ""];
          const { status } = await server.call(method, fill(path), { token: tokenOf(scope), body });
          const shown = `${method} ${path} with scope ${scope}: ${status}`;
          // A body that is missing is found out after the token was judged.
          if (!allowedOf(path, operation).includes(scope)) expect(status, shown).toBe(403);
          else if (operation.tags[0] !== "pull") expect([200, 204, 400, 404, 415], shown).toContain(status);
        }
      expect(server.accepted).toEqual([]);
    });
  },
);

describe("rule 5: tokens", () => {
  const source = readFileSync(new URL("../../agent/tokens.ts", import.meta.url), "utf8");

  it("are compared by digests of one length in constant time, all of them whichever is found", () => {
    const [, identify = ""] = /identify\(token\) \{(.*?)\n {4}\},/s.exec(source) ?? [];
    expect(identify).toMatch(/for \(.* of known\) if \(timingSafeEqual\(hash, presented\)\)/);
    expect(identify).not.toMatch(/===|!==|\bbreak\b|\.find\(|\.some\(|indexOf|includes|startsWith/);
    expect(identify.match(/\breturn\b/g)).toHaveLength(1);
    expect(source).toContain('createHash("sha256").update(text, "utf8").digest()');
  });

  it("reach their comparison from one place", () => {
    const access = readFileSync(new URL("../../agent/portal/access.ts", import.meta.url), "utf8");
    expect(access.match(/headers\.authorization/g)).toHaveLength(1);
    expect(access.match(/tokens\.identify\(/g)).toHaveLength(1);
  });
});
