import { sessionAction } from "../session-action.ts";

export const registerStopSession = sessionAction({
  method: "post",
  path: "/stop",
  operationId: "stopSession",
  summary: "Stop a session, keeping its state",
  run: ({ sessions }, caller, id) => sessions.stop(caller, id),
});
