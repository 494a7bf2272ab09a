import { randomUUID } from "node:crypto";
import type { Store } from "@velocity/core";
import { expect, test } from "vitest";
import {
  moment,
  newContainer,
  newContainerId,
  newProjectId,
  newSessionId,
  times,
  written,
} from "./fixtures.ts";

export function containerSuite(store: () => Store): void {
  const containers = () => store().containers;
  const claimFor = (at = moment(50)) => ({
    sessionId: newSessionId(),
    projectId: newProjectId(),
    generation: 1,
    at,
  });

  test("a container comes back as it was stored, and changes by compare-and-set", async () => {
    const container = newContainer();
    expect(await containers().insert(container)).toEqual({ ...container, version: 1 });
    const change = { ref: "engine-1", status: "assigned", sessionId: newSessionId(), generation: 4 } as const;
    const patched = written(await containers().patch(container.id, 1, change));
    expect(patched).toEqual({ ...container, ...change, version: 2 });
    expect(await containers().patch(container.id, 1, { status: "destroyed" })).toEqual({ kind: "stale" });
    expect(await containers().get(container.id)).toEqual(patched);
    expect(await containers().get(newContainerId())).toBeNull();
  });

  test("destroyed containers are no longer listed as live", async () => {
    const container = await containers().insert(newContainer());
    const live = async () => (await containers().listLive()).map((item) => item.id);
    expect(await live()).toContain(container.id);
    written(await containers().patch(container.id, 1, { status: "destroyed" }));
    expect(await live()).not.toContain(container.id);
  });

  test("the pool is counted by key", async () => {
    const poolKey = randomUUID();
    await containers().insert(newContainer({ poolKey }));
    await containers().insert(newContainer({ poolKey, status: "available" }));
    await containers().insert(newContainer({ poolKey, status: "available" }));
    await containers().insert(newContainer({ poolKey, status: "assigned" }));
    expect((await containers().countByPoolKey()).get(poolKey)).toEqual({ available: 2, creating: 1 });
  });

  test("a claim takes the oldest available member of its key and binds it", async () => {
    const poolKey = randomUUID();
    await containers().insert(newContainer({ poolKey, status: "available", createdAt: moment(2) }));
    const oldest = await containers().insert(
      newContainer({ poolKey, status: "available", createdAt: moment(1) }),
    );
    await containers().insert(newContainer({ poolKey, status: "creating" }));
    await containers().insert(newContainer({ poolKey: randomUUID(), status: "available" }));
    const { at, ...to } = claimFor();
    expect(await containers().claim(poolKey, { ...to, at })).toEqual({
      ...oldest,
      ...to,
      status: "assigned",
      claimedAt: at,
      version: 2,
    });
  });

  test("of more claims than members each member goes to one claim, and the others get none", async () => {
    const poolKey = randomUUID();
    await times(5, () => containers().insert(newContainer({ poolKey, status: "available" })));
    const claims = await times(20, () => containers().claim(poolKey, claimFor()));
    const taken = claims.filter((claim) => claim !== null);
    expect(taken).toHaveLength(5);
    expect(new Set(taken.map((claim) => claim.id)).size).toBe(5);
    expect(new Set(taken.map((claim) => claim.sessionId)).size).toBe(5);
    expect(await containers().claim(poolKey, claimFor())).toBeNull();
  });

  test("a claim and a destruction of the same member never both succeed", async () => {
    for (let round = 0; round < 10; round++) {
      const poolKey = randomUUID();
      const member = await containers().insert(newContainer({ poolKey, status: "available" }));
      const [claim, destruction] = await Promise.all([
        containers().claim(poolKey, claimFor()),
        containers().patch(member.id, member.version, { status: "destroying" }),
      ]);
      expect([claim !== null, destruction.kind === "written"].filter(Boolean)).toHaveLength(1);
    }
  });
}
