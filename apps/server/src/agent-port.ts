import { createAgentClient } from "@velocity/agent/client";
import { VelocityError } from "@velocity/contract";
import type { AgentPort } from "@velocity/core";

/** The agent's client as core wants it: files as text or base64, a missing one as null. */
export function createAgentPort(): AgentPort {
  const client = createAgentClient();
  return {
    ...client,
    readFile: async (at, path, signal) => {
      const bytes = await client.readFile(at, path, signal).catch((error: unknown) => {
        if (error instanceof VelocityError && error.code === "not_found") return null;
        throw error;
      });
      if (bytes === null) return null;
      const text = bytes.toString("utf8");
      return Buffer.from(text, "utf8").equals(bytes)
        ? { path, content: text, encoding: "utf8" }
        : { path, content: bytes.toString("base64"), encoding: "base64" };
    },
  };
}
