/** Reserved below every preview host; never reaches the app. */
export const RESERVED_PREFIX = "/__velocity/";
/** Through the public route: answers `Identity` of the container behind it. Only the orchestrator's probe may ask. */
export const IDENTITY_PATH = "/__velocity/identity";
/** Prefix of all headers of ours; dropped from what clients send. */
export const HEADER_PREFIX = "x-velocity-";
/** Carries the generation and the process's probe secret on a route probe, `<generation> <secret>`. */
export const PROBE_HEADER = "x-velocity-probe";
/** On answers made by the gateway itself, so that they can be told from the app's: the error code. */
export const GATEWAY_ERROR_HEADER = "x-velocity-error";

/** Names of the sockets in a container's socket folder. */
export const CONTROL_SOCKET = "control.sock";
export const APP_SOCKET = "app.sock";
/** Socket of a further port that the app listens on inside its container. */
export function portSocket(port: number): string {
  return `port-${port}.sock`;
}

/** Labels on every container, on every engine. */
export const LABELS = {
  service: "velocity-service",
  install: "velocity-install",
  container: "velocity-container",
  createdAt: "velocity-created-at",
  tier: "velocity-tier",
  project: "velocity-project-id",
  session: "velocity-session-id",
  generation: "velocity-generation",
} as const;
