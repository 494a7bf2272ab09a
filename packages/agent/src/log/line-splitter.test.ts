import { expect, test } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

function lines(chunks: readonly (string | Buffer)[], keepColors = false): string[] {
  const found: string[] = [];
  const splitter = new LineSplitter((line) => found.push(line), { keepColors });
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return found;
}

test("lines come whole, whatever pieces they arrive in", () => {
  const euro = Buffer.from("€");
  expect(lines(["a\r\nb", "c\n", euro.subarray(0, 1), euro.subarray(1), "\n\nlast"])).toEqual([
    "a",
    "bc",
    "€",
    "",
    "last",
  ]);
});

test("of a progress line the last state is kept, and colours only where wanted", () => {
  expect(lines(["10%\r50%\r100%\n", "\u001b[31mred\u001b[0m\n"])).toEqual(["100%", "red"]);
  expect(lines(["\u001b[31mred\u001b[0m\n"], true)).toEqual(["\u001b[31mred\u001b[0m"]);
});

test("a line without end is cut, not kept", () => {
  const found = lines(Array.from({ length: 100 }, () => "x".repeat(1000)));
  expect(found.length).toBeGreaterThan(5);
  expect(found.join("")).toHaveLength(100_000);
});
