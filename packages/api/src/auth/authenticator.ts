import type { Caller } from "@velocity/core";

/** Tells who asks. Null: nobody we know; the API answers 401. Throws `VelocityError` where it cannot tell. */
export interface Authenticator {
  authenticate(request: { readonly authorization: string | null }): Promise<Caller | null>;
}
