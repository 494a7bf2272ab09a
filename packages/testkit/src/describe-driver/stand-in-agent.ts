/**
 * A program in place of the agent, for engines that start whatever they are given: it answers `GET /identity` and
 * `POST /exec` like the agent, and prints a line. Saved as `agent.mjs`.
 */
export const STAND_IN_AGENT = `
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const config = JSON.parse(readFileSync(process.env.VELOCITY_AGENT_CONFIG, "utf8"));
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (request.url === "/identity") return response.end(JSON.stringify(config.identity));
    if (request.url !== "/exec") return response.writeHead(404).end();
    const { command, cwd, env, timeoutMs } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const [file, ...args] = command;
    const options = { cwd: cwd ?? config.workspace, env: { ...process.env, ...env }, timeout: timeoutMs ?? 60000 };
    execFile(file, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      response.end(JSON.stringify({ exitCode, stdout, stderr, truncated: false }));
    });
  });
}).listen(config.socketDir + "/control.sock", () => console.log("stand-in agent is up"));
`;
