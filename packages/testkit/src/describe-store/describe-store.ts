import type { Store } from "@velocity/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { containerSuite } from "./container-suite.ts";
import { eventSuite } from "./event-suite.ts";
import { times } from "./fixtures.ts";
import { idempotencySuite } from "./idempotency-suite.ts";
import { projectSuite } from "./project-suite.ts";
import { sessionSuite } from "./session-suite.ts";

/**
 * The guarantees of the `Store` port, for any implementation. `makeStore` opens an empty one; the suite closes it.
 * Tests use ids of their own, so that they can share it.
 */
export function describeStore(name: string, makeStore: () => Promise<Store>): void {
  describe(`store on ${name}`, () => {
    let opened: Store | undefined;
    const store = (): Store => {
      if (opened === undefined) throw new Error("the store did not open");
      return opened;
    };
    beforeAll(async () => {
      opened = await makeStore();
    }, 60_000);
    afterAll(() => opened?.close());

    test("the installation has one id, whoever asks first", async () => {
      const ids = await times(5, () => store().installId());
      expect(new Set(ids).size).toBe(1);
    });

    test("a ping is answered, and an aborted one ends", async () => {
      await store().ping(AbortSignal.timeout(5_000));
      await expect(store().ping(AbortSignal.abort())).rejects.toMatchObject({ code: "database_unavailable" });
    });

    describe("sessions", () => sessionSuite(store));
    describe("containers", () => containerSuite(store));
    describe("projects", () => projectSuite(store));
    describe("events", () => eventSuite(store));
    describe("idempotency keys", () => idempotencySuite(store));
  });
}
