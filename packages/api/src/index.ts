export {
  type ApiKeyDeps,
  type ApiToken,
  apiKeyAuthenticator,
  hashApiKey,
} from "./auth/api-key-authenticator.ts";
export type { Authenticator } from "./auth/authenticator.ts";
export { noAuthenticator } from "./auth/no-authenticator.ts";
export { type Api, createApi } from "./create-api.ts";
export type { ApiConfig, ApiDeps, WebHandler } from "./deps.ts";
export { sessionUrl } from "./views/session-view.ts";
