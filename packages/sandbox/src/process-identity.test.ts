import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identifyProcess, isSameProcessAlive, parseProcessStat } from "./process-identity.ts";

test("a command name with spaces and parentheses does not shift the fields", () => {
  const fields = [
    "S",
    "1",
    "2",
    "3",
    ...Array.from({ length: 7 }, () => "0"),
    "5",
    "6",
    "0",
    "0",
    "0",
    "0",
    "0",
    "0",
  ];
  const stat = parseProcessStat(`42 (a) b (c)) ${[...fields, "777", "0", "9"].join(" ")}`);
  expect(stat).toMatchObject({ pid: 42, state: "S", parent: 1, session: 3, cpuTicks: 11, startTime: "777" });
});

test("a process is the same only with its start time and in the same boot, and not once it ended", async () => {
  const child = spawn("sleep", ["60"]);
  const identity = identifyProcess(child.pid ?? -1);
  if (identity === null) throw new Error("the child was not there");
  expect(isSameProcessAlive(identity)).toBe(true);
  expect(isSameProcessAlive({ ...identity, startTime: `${identity.startTime}1` })).toBe(false);
  expect(isSameProcessAlive({ ...identity, bootId: "another" })).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isSameProcessAlive(identity)).toBe(false);
});
