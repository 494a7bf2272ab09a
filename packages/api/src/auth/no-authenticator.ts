import { LOCAL_USER_ID } from "@velocity/contract";
import type { Authenticator } from "./authenticator.ts";

/** `VELOCITY_AUTH=none`: everyone is the one local user, who may do everything. Only for loopback. */
export const noAuthenticator: Authenticator = {
  authenticate: async () => ({ userId: LOCAL_USER_ID, role: "admin", createsUnknownProjects: true }),
};
