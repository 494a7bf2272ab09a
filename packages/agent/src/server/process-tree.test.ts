import { expect, test } from "vitest";
import { type ProcessRow, parseStat, treeOf } from "./process-tree.ts";

test("a program's name cannot disguise its parent", () => {
  expect(parseStat(7, "7 (x) S 1 1) S 42 7 9 0 -1")).toEqual({ pid: 7, parent: 42, session: 9 });
  expect(parseStat(7, "7 (sh) Z 42 7 9 0 -1")).toBeNull();
  expect(parseStat(7, "nonsense")).toBeNull();
});

test("the tree has descendants and whoever shares a session with one, and nobody else", () => {
  const row = (pid: number, parent: number, session: number): ProcessRow => ({ pid, parent, session });
  const rows = [
    row(1, 0, 1),
    row(10, 1, 1), // the agent
    row(20, 10, 20), // the program
    row(21, 20, 20),
    row(22, 1, 20), // orphan in the program's session
    row(30, 21, 30), // started a session of its own
    row(31, 1, 30), // orphan of that one
    row(40, 10, 40), // another program of the agent's
    row(50, 1, 1),
  ];
  expect(treeOf(rows, 20)).toEqual([20, 21, 22, 30, 31]);
});
