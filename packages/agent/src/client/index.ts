export { type AgentClient, type AgentClientOptions, createAgentClient } from "./agent-client.ts";
