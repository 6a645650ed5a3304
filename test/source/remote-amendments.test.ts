import { describe, expect, it } from "vitest";
import { atPortal, gateway, linked } from "./setting.ts";

describe("changes and removals at a portal that gives links only where they are asked for", () => {
  const setting = atPortal();

  it("come with the links of all other customers, under the lease of the latest claim", async () => {
    await setting.start();
    const [first, second] = ["Acme", "Bolt"].map((shortName) => setting.portal.accept({ shortName, gateway }));
    const { lease, conversions } = await setting.claim();
    await setting.remote.source.complete(lease, conversions.map(linked));
    expect(await setting.claim()).toMatchObject({ amendments: [], links: [] });
    const removal = setting.portal.remove(first?.customerGuid ?? "");

    const claim = await setting.claim();
    expect(claim.amendments.map(({ taskId }) => taskId)).toEqual([removal.taskId]);
    expect(claim.links.map(({ customerGuid }) => customerGuid)).toEqual([second?.customerGuid]);
    expect(setting.portal.requestsTo("claim").map(({ body }) => body["links"])).toEqual([false, false, false, true]);
    await setting.remote.source.complete(claim.lease, [{ kind: "removed", taskId: removal.taskId, messages: [] }]);
    expect(removal.state).toBe("ended");
  });
});
