export type * from "./ports/agent.ts";
export * from "./ports/clock.ts";
export type * from "./ports/driver.ts";
export * from "./ports/log.ts";
export type * from "./ports/routing.ts";
export type * from "./ports/store.ts";
export type * from "./ports/workspace.ts";
export * from "./services.ts";
export type * from "./session-record.ts";
