import { sessionAction } from "../session-action.ts";

export const registerGetSession = sessionAction({
  method: "get",
  path: "",
  operationId: "getSession",
  summary: "Get a session",
  run: ({ sessions }, caller, id) => sessions.get(caller, id),
});
