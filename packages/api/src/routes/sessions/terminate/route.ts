import { sessionAction } from "../session-action.ts";

const description = "Answers once the container is verified gone. Repeating it is fine.";

export const registerTerminateSession = sessionAction({
  method: "post",
  path: "/terminate",
  operationId: "terminateSession",
  summary: "Destroy a session",
  description,
  run: ({ sessions }, caller, id) => sessions.terminate(caller, id),
});

export const registerDeleteSession = sessionAction({
  method: "delete",
  path: "",
  operationId: "deleteSession",
  summary: "Destroy a session",
  description: `The same as \`terminate\`. ${description}`,
  run: ({ sessions }, caller, id) => sessions.terminate(caller, id),
});
