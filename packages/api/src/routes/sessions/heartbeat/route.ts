import { sessionAction } from "../session-action.ts";

export const registerHeartbeat = sessionAction({
  method: "post",
  path: "/heartbeat",
  operationId: "heartbeatSession",
  summary: "Say that somebody is still using a session",
  run: ({ sessions }, caller, id) => sessions.heartbeat(caller, id),
});
