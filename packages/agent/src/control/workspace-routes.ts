import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { type ApplyFiles, type BindResult, VelocityError } from "@velocity/contract";
import { applyFiles as apply, deleteFile as remove, writeFile } from "../workspace/apply-files.ts";
import { listFiles as list } from "../workspace/list-files.ts";
import { runExec } from "../workspace/run-exec.ts";
import { WorkspacePaths } from "../workspace/workspace-paths.ts";
import { type ControlContext, type ControlRequest, runDiffers, sendJson } from "./control-call.ts";
import { readBody } from "./http-body.ts";
import { parseApplyFiles, parseBind, parseExec, parseFilePath } from "./parse-body.ts";

const MAX_FILES_BYTES = 128 * 1024 * 1024;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_EXEC_BYTES = 1024 * 1024;
const MAX_EXECS = 32;

/**
 * Makes a pool member a session's container, once. The same session and generation again is answered as before; another
 * one is refused, so that two orchestrators can never share a container.
 */
export async function bind(context: ControlContext, { request, response }: ControlRequest): Promise<void> {
  const wanted = await readJson(request, parseBind, MAX_FILES_BYTES);
  const { identity } = context;
  const same = identity.sessionId === wanted.sessionId && identity.generation === wanted.generation;
  if (identity.sessionId !== null && !same) {
    throw new VelocityError("conflict", "This container belongs to another session.");
  }
  // Taken before the first wait: of two at once, one is told.
  context.identity = {
    ...identity,
    sessionId: wanted.sessionId,
    projectId: wanted.projectId,
    generation: wanted.generation,
  };
  const down = ["stopped", "failed"].includes(context.server.state.status);
  const restarted = down || runDiffers(context.server.run, wanted.run);
  await change(context, wanted);
  if (restarted) await context.server.start(wanted.run);
  const result: BindResult = { identity: context.identity, serverRestarted: restarted };
  sendJson(response, 200, result);
}

export async function applyFiles(
  context: ControlContext,
  { request, response }: ControlRequest,
): Promise<void> {
  const { written, deleted } = await change(
    context,
    await readJson(request, parseApplyFiles, MAX_FILES_BYTES),
  );
  sendJson(response, 200, { written, deleted });
}

async function change(
  context: ControlContext,
  files: ApplyFiles,
): Promise<{ written: number; deleted: number }> {
  const applied = await apply(context.workspace, files);
  announce(context, applied.changed, applied.deleted);
  return { written: applied.changed.length, deleted: applied.deleted.length };
}

function announce(context: ControlContext, changed: string[], deleted: string[]): void {
  if (changed.length + deleted.length === 0) return;
  context.events.files(changed, deleted);
  context.server.filesChanged();
}

export async function listFiles(context: ControlContext, { response, url }: ControlRequest): Promise<void> {
  const path = (url.searchParams.get("path") ?? "").replace(/^\.?\/+|\/+$/g, "");
  const recursive = ["1", "true", ""].includes(url.searchParams.get("recursive") ?? "0");
  sendJson(response, 200, {
    items: await list(context.workspace, { path: path === "." ? "" : path, recursive }),
  });
}

export async function readFile(context: ControlContext, { response, url }: ControlRequest): Promise<void> {
  const path = pathOf(url);
  const real = await (await WorkspacePaths.of(context.workspace)).existing(path);
  const found = await stat(real);
  if (!found.isFile()) throw new VelocityError("not_found", `"${path}" is not a file.`);
  if (found.size > MAX_FILE_BYTES)
    throw new VelocityError("payload_too_large", `"${path}" is too large to be read.`);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": found.size });
  if (found.size === 0) {
    response.end();
    return;
  }
  // Bytes that are added meanwhile are left out; a file that shrinks ends the connection, never short.
  const stream = createReadStream(real, { end: found.size - 1 });
  stream.on("error", () => response.destroy());
  stream.pipe(response);
}

export async function putFile(
  context: ControlContext,
  { request, response, url }: ControlRequest,
): Promise<void> {
  const path = pathOf(url);
  const paths = await WorkspacePaths.of(context.workspace);
  const written = await writeFile(paths, path, await readBody(request, MAX_FILE_BYTES));
  announce(context, written ? [path] : [], []);
  sendJson(response, 200, { written: written ? 1 : 0, deleted: 0 });
}

export async function deleteFile(context: ControlContext, { response, url }: ControlRequest): Promise<void> {
  const path = pathOf(url);
  const paths = await WorkspacePaths.of(context.workspace);
  if (!(await remove(paths, path))) throw new VelocityError("not_found", `There is no "${path}".`);
  announce(context, [], [path]);
  sendJson(response, 200, { written: 0, deleted: 1 });
}

export async function exec(context: ControlContext, { request, response }: ControlRequest): Promise<void> {
  const command = await readJson(request, parseExec, MAX_EXEC_BYTES);
  if (context.execs >= MAX_EXECS) {
    throw new VelocityError("rate_limited", `${MAX_EXECS} commands are running already.`);
  }
  const left = new AbortController();
  response.once("close", () => left.abort());
  context.execs += 1;
  try {
    const result = await runExec(command, {
      workspace: context.workspace,
      environment: context.execEnvironment,
      signal: left.signal,
    });
    sendJson(response, 200, result);
  } finally {
    context.execs -= 1;
  }
}

function pathOf(url: URL): string {
  let path: string;
  try {
    path = decodeURIComponent(url.pathname.slice("/files/".length));
  } catch (cause) {
    throw new VelocityError("bad_request", "The path is not valid percent encoding.", { cause });
  }
  return parseFilePath(path);
}

async function readJson<T>(
  request: IncomingMessage,
  parse: (value: unknown) => T,
  maxBytes: number,
): Promise<T> {
  const body = await readBody(request, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new VelocityError("invalid_json", "The body is not valid JSON.", { cause });
  }
  return parse(value);
}
