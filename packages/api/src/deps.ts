import type { ServerHealth } from "@velocity/contract";
import type {
  Caller,
  Clock,
  DriverCapabilities,
  IdempotencyStore,
  Log,
  PoolService,
  ProjectService,
  SessionService,
} from "@velocity/core";
import type { Authenticator } from "./auth/authenticator.ts";

/** The slice of the server's configuration that the API reads. */
export interface ApiConfig {
  /** Where people reach API and web, e.g. `http://velocity.localhost:4400`. Its scheme and port are the previews' too. */
  readonly publicUrl: string;
  /** Sessions live at `<id>.<previewDomain>`. */
  readonly previewDomain: string;
  /** Port that this process listens on. */
  readonly port: number;
  readonly authMode: string;
  readonly version: string;
  /** Origins that may call the API from their pages, besides our own. */
  readonly editorOrigins: readonly string[];
}

/** Serves the built web app. Null: there is no such page. */
export type WebHandler = (request: Request) => Promise<Response | null> | Response | null;

export interface ApiDeps {
  readonly sessions: SessionService;
  readonly projects: ProjectService;
  readonly driver: { readonly name: string; readonly capabilities: DriverCapabilities };
  readonly pool: PoolService;
  readonly idempotency: IdempotencyStore;
  readonly authenticator: Authenticator;
  readonly health: () => Promise<ServerHealth>;
  readonly config: ApiConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly web?: WebHandler;
}

/** What the middleware leaves for a handler. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** Set on every `/api` route but the public ones. */
    caller: Caller;
    /** Set by a streaming answer: settles when its last byte went out, or its client left. */
    streamEnd: Promise<void> | undefined;
    failure: unknown;
  };
}
