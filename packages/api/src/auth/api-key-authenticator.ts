import { createHash } from "node:crypto";
import type { UserId } from "@velocity/contract";
import type { Authenticator } from "./authenticator.ts";

/** Longest key worth hashing; ours have 46 characters. */
const MAX_KEY_LENGTH = 256;

/** A stored API key. The key itself is never stored, only its hash. */
export interface ApiToken {
  readonly userId: UserId;
  readonly role: "user" | "admin";
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface ApiKeyDeps {
  /** By SHA-256 in lower-case hex. Null: no such key. */
  readonly findToken: (hash: string) => Promise<ApiToken | null>;
  readonly now: () => Date;
}

/** How an API key is stored and looked up. A key has 256 random bits, so that a plain fast hash is enough. */
export function hashApiKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** `VELOCITY_AUTH=keys`: `Authorization: Bearer <api key>`. */
export function apiKeyAuthenticator(deps: ApiKeyDeps): Authenticator {
  return {
    async authenticate({ authorization }) {
      const key = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1];
      if (key === undefined || key.length > MAX_KEY_LENGTH) return null;
      const token = await deps.findToken(hashApiKey(key));
      if (token === null || token.revokedAt !== null) return null;
      if (token.expiresAt !== null && token.expiresAt <= deps.now()) return null;
      return { userId: token.userId, role: token.role, createsUnknownProjects: false };
    },
  };
}
