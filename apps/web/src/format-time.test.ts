import { expect, test } from "vitest";
import { formatAge, formatDuration } from "./format-time.ts";
import { plainText } from "./plain-text.ts";

test.each([
  [0.4, "0 ms"],
  [48.4, "48 ms"],
  [1_234, "1.23 s"],
  [9_999, "10.00 s"],
  [12_345, "12.3 s"],
  [125_000, "2 min 5 s"],
])("a duration of %d ms reads %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [-5, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [3_900_000, "1 h 5 min"],
  [86_400_000, "1 d"],
  [100_800_000, "1 d 4 h"],
])("an age of %d ms reads %s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

test("terminal colours, links and cursor moves are taken out of log lines, text is not", () => {
  expect(plainText("\u001b[1;32m➜\u001b[39m  [vite] \u001b[2Kready")).toBe("➜  [vite] ready");
  expect(plainText("\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\")).toBe("link");
  expect(plainText("a[0] = 1; [31m")).toBe("a[0] = 1; [31m");
});
