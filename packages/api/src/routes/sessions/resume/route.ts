import { sessionAction } from "../session-action.ts";

export const registerResumeSession = sessionAction({
  method: "post",
  path: "/resume",
  operationId: "resumeSession",
  summary: "Resume a suspended session",
  run: ({ sessions }, caller, id) => sessions.resume(caller, id),
});
