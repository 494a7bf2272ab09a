import type { Velocity } from "@velocity/sdk";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { PreviewSession, type PreviewSessionOptions } from "./preview-session.ts";

/** The client, and the sessions that its components share. */
export interface VelocityScope {
  readonly client: Velocity;
  /** The same object for the same project, so that two components hold one event stream. */
  session(projectId: string, start: PreviewSessionOptions["start"]): PreviewSession;
}

const VelocityContext = createContext<VelocityScope | null>(null);

/** More projects than one page ever shows at once; those in use are the newest. */
const MAX_SESSIONS = 50;

export function createScope(client: Velocity): VelocityScope {
  const sessions = new Map<string, PreviewSession>();
  return {
    client,
    session(projectId, start) {
      const key = `${projectId} ${JSON.stringify(start ?? {})}`;
      const known = sessions.get(key) ?? new PreviewSession({ client, projectId, start });
      sessions.delete(key);
      sessions.set(key, known);
      const oldest = sessions.keys().next().value;
      if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      return known;
    },
  };
}

/** Gives every hook below it the same client. Keep `client` stable: a new one is a new start. */
export function VelocityProvider(props: { readonly client: Velocity; readonly children: ReactNode }) {
  const scope = useMemo(() => createScope(props.client), [props.client]);
  return <VelocityContext value={scope}>{props.children}</VelocityContext>;
}

/**
 * The scope of a client given directly, or of the provider above.
 * @throws Error when there is neither
 */
export function useVelocityScope(client: Velocity | undefined): VelocityScope {
  const provided = useContext(VelocityContext);
  const own = useMemo(
    () => (client === undefined || client === provided?.client ? null : createScope(client)),
    [client, provided],
  );
  const scope = own ?? provided;
  if (scope === null) throw new Error("Pass `client`, or render inside <VelocityProvider>.");
  return scope;
}

/** The client of the provider above. */
export function useVelocity(): Velocity {
  return useVelocityScope(undefined).client;
}
