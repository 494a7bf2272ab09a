import type { Velocity } from "@velocity/e2e/velocity";
import { getWhenUp } from "./http.ts";

export interface Started {
  readonly session: { readonly id: string; readonly state: string; readonly url: string };
  readonly source: string;
  readonly timings: Readonly<Record<string, number | null>>;
}

/** Starts a new project from a template; the host its preview answers at. */
export async function startProject(
  velocity: Velocity,
  body: Record<string, unknown>,
): Promise<Started & { host: string }> {
  const started = await velocity.api<Started>("POST", "/api/sessions/start", body);
  return { ...started, host: new URL(started.session.url).host };
}

/** Milliseconds from `POST start` of a project that was never started to its entry module through the gateway. */
export async function startToModuleMs(
  velocity: Velocity,
  options: { readonly template: string; readonly module: string; readonly env?: Record<string, string> },
): Promise<{ ms: number; started: Started; remove(): Promise<void> }> {
  const { id: projectId } = await velocity.api<{ id: string }>("POST", "/api/projects", {
    name: "bench",
    template: options.template,
  });
  const startedAt = performance.now();
  const started = await startProject(velocity, {
    projectId,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  await getWhenUp(velocity.port, started.host, options.module);
  const ms = performance.now() - startedAt;
  return {
    ms,
    started,
    remove: async () => void (await velocity.api("POST", `/api/sessions/${started.session.id}/terminate`)),
  };
}
