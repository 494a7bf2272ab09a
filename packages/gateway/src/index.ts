export * from "./front-server.ts";
export * from "./gateway.ts";
export * from "./limits.ts";
export * from "./open-sockets.ts";
export * from "./request-facts.ts";
export * from "./route-lookup.ts";
export * from "./route-probe.ts";
export * from "./session-status.ts";
