export * from "./raw-client.ts";
export { describeStore } from "./describe-store/describe-store.ts";
export * from "./describe-store/start-postgres.ts";
