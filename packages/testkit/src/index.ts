export * from "./core-rig.ts";
export { describeStore } from "./describe-store/describe-store.ts";
export * from "./describe-store/start-postgres.ts";
export * from "./fake-agent.ts";
export * from "./fake-driver/fake-driver.ts";
export * from "./fake-driver/fake-engine.ts";
export * from "./manual-clock.ts";
export * from "./memory-store.ts";
export * from "./raw-client.ts";
