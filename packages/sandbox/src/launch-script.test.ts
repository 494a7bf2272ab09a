import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { launchPlan, planStage, stagedPath } from "./launch-script.ts";

const tools = { sh: "/bin/sh", unshare: "/u", setpriv: "/p", mount: "/m", bwrap: "/bin/echo" };

test("without anything to mount no namespace is made, and arguments arrive untouched", () => {
  const stage = planStage(
    "/stage",
    ["/a"],
    [],
    () => true,
    () => true,
  );
  const odd = ["it's", "a b", "$(id)", "`id`", "line\nbreak", "--", ""];
  const plan = launchPlan({
    tools,
    stage,
    cgroupFiles: [],
    owner: null,
    privileged: true,
    bwrapArguments: odd,
  });
  expect(execFileSync(plan.file, plan.args, { encoding: "utf8" })).toBe(`${odd.join(" ")}\n`);
});

test("what the user cannot reach is bound into the stage, and layers are mounted by plain names", () => {
  const overlay = {
    kind: "overlay",
    lower: "/deps,odd:name",
    upper: "/data/upper",
    work: "/data/work",
    target: "/workspace/node_modules",
  } as const;
  const stage = planStage(
    "/stage",
    ["/open", "/shut", "/box/a", "/box/b", "/tight/a", "/tight/b"],
    [overlay],
    (path) => path === "/open",
    (folder) => folder === "/box",
  );
  const source = stagedPath(stage, [overlay]);
  expect(source("/open")).toBe("/open");
  expect(source("/shut")).toBe("/stage/b0");
  expect([source("/box/a"), source("/box/b")]).toEqual(["/stage/b1/a", "/stage/b1/b"]);
  expect([source("/tight/a"), source("/tight/b")]).toEqual(["/stage/b2", "/stage/b3"]);
  expect(source("/data/upper")).toBe("/stage/o0");
  expect(stage.overlays[0]?.mount).toMatchObject({ lower: "/stage/b4", upper: "/data/upper" });
  const plan = launchPlan({
    tools,
    stage,
    cgroupFiles: ["/sys/it's"],
    owner: { uid: 7, gid: 8 },
    privileged: true,
    bwrapArguments: [],
  });
  const script = plan.args.join("\n");
  expect(plan.file).toBe("/u");
  expect(script).toContain("echo 0 > '/sys/it'\\''s'");
  expect(script).toContain("exec '/p' '--reuid' '7' '--regid' '8' '--clear-groups'");
});
