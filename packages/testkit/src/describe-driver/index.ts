export { describeDriver } from "./describe-driver.ts";
export type * from "./driver-harness.ts";
export { boot, codeOf, destroyAndConfirm, sh, waitForIdentity, within } from "./driver-probe.ts";
export { STAND_IN_AGENT } from "./stand-in-agent.ts";
