import { expect, test } from "vitest";
import { afterCrash, delayAfterChange } from "./restart-policy.ts";

test("three crashes in a minute are forgiven, each later than the one before; the fourth is not", () => {
  const now = 1_000_000;
  expect(afterCrash([], now)).toEqual({ action: "restart", delayMs: 100 });
  expect(afterCrash([now - 1000], now)).toEqual({ action: "restart", delayMs: 500 });
  expect(afterCrash([now - 2000, now - 1000], now)).toEqual({ action: "restart", delayMs: 2500 });
  expect(afterCrash([now - 3000, now - 2000, now - 1000], now)).toEqual({ action: "give-up" });
  expect(afterCrash([now - 70_000, now - 65_000, now - 61_000], now)).toEqual({
    action: "restart",
    delayMs: 100,
  });
});

test("a server that keeps failing waits longer after each change, up to five seconds", () => {
  expect([1, 2, 3, 9, 50].map(delayAfterChange)).toEqual([150, 300, 600, 5000, 5000]);
});
