import { detectCgroups, detectSandbox, NO_CGROUPS } from "@velocity/sandbox";
import { describeDriver } from "@velocity/testkit";
import { processHarness } from "./process-harness.ts";

const support = await detectSandbox();
if (support.namespaces === null) console.info(`the sandbox is not tested here: ${support.advice.join(" ")}`);
else {
  describeDriver("process", () => processHarness(support, support.cgroups), { parallel: 50 });

  const v2 = detectCgroups(2);
  if (v2.freezer === "signals" || v2.freezer.version !== 2)
    console.info("version 2 control groups are not tested: there are none here");
  else
    describeDriver("process, version 2 control groups", () => processHarness(support, v2), {
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
