import { detectCgroups, detectSandbox, NO_CGROUPS } from "@velocity/sandbox";
import { describeDriver } from "@velocity/testkit";
import { processHarness } from "./process-harness.ts";

const support = await detectSandbox();
if (support.namespaces === null) console.info(`the sandbox is not tested here: ${support.advice.join(" ")}`);
else {
  describeDriver("process", () => processHarness(support, support.cgroups), { parallel: 50 });

  const v1 = detectCgroups(1);
  if (v1.freezer === "signals" || v1.freezer.version !== 1)
    console.info("the version 1 freezer is not tested: there is none here");
  else
    describeDriver("process, version 1 freezer", () => processHarness(support, v1), {
      parallel: 5,
      parts: ["lifecycle", "faults"],
    });

  describeDriver("process, without control groups", () => processHarness(support, NO_CGROUPS), {
    parallel: 5,
    parts: ["lifecycle", "faults"],
  });
}

describeDriver(
  "process, without a sandbox",
  () => processHarness({ ...support, namespaces: null }, NO_CGROUPS),
  {
    parallel: 5,
    parts: ["lifecycle", "faults"],
  },
);
