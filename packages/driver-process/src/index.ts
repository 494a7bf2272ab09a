export * from "./create-process-driver.ts";
export type * from "./process-driver-options.ts";
