import {
  type ApplyFiles,
  type Bind,
  type Exec,
  type FieldError,
  type FileContent,
  isSafePath,
  MAX_PATH_BYTES,
  type ProjectId,
  type RunSpec,
  type SessionId,
  VelocityError,
} from "@velocity/contract";

/*
 * The agent checks what it is sent by hand. The schemas of the contract say the same, and a test holds the two together;
 * but loading zod costs a claimed container 40 ms and 10 MB, more than all the rest of the agent.
 */

const MAX_ERRORS = 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LONGEST_EXEC_MS = 600_000;
const LONGEST_COMMAND = 1000;

type Fields = Readonly<Record<string, unknown>>;

/** Collects what is wrong with a body, and stands in harmless values so that all of it is looked at. */
class Findings {
  readonly errors: FieldError[] = [];

  wrong(path: string, code: string, message: string): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push({ path, code, message });
  }

  fields(value: unknown, path: string, strictKeys?: readonly string[]): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.wrong(path, "invalid_type", "must be an object");
      return {};
    }
    const fields: Fields = { ...value };
    for (const key of strictKeys === undefined ? [] : Object.keys(fields)) {
      if (!strictKeys?.includes(key)) this.wrong(path, "unrecognized_keys", `unknown field "${key}"`);
    }
    return fields;
  }

  string(value: unknown, path: string): string {
    if (typeof value === "string") return value;
    this.wrong(path, "invalid_type", "must be a string");
    return "";
  }

  int(value: unknown, path: string, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): number {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    this.wrong(path, "invalid_type", "must be an integer in range");
    return 0;
  }

  list<T>(value: unknown, path: string, each: (value: unknown, path: string) => T): T[] {
    if (Array.isArray(value)) return value.map((item: unknown, index) => each(item, `${path}.${index}`));
    this.wrong(path, "invalid_type", "must be a list");
    return [];
  }

  oneOf<T extends string>(value: unknown, path: string, allowed: readonly T[]): T | undefined {
    const found = allowed.find((each) => each === value);
    if (found === undefined) this.wrong(path, "invalid_value", `must be one of ${allowed.join(", ")}`);
    return found;
  }

  uuid(value: unknown, path: string): string {
    const text = this.string(value, path).trim().toLowerCase();
    if (!UUID.test(text)) this.wrong(path, "invalid_format", "must be a UUID");
    return text;
  }

  filePath(value: unknown, path: string): string {
    const text = this.string(value, path);
    if (Buffer.byteLength(text) > MAX_PATH_BYTES) this.wrong(path, "too_big", "path is too long");
    else if (!isSafePath(text)) {
      this.wrong(path, "unsafe_path", "unsafe path: use a relative path inside the project");
    }
    return text;
  }

  environment(value: unknown, path: string): Record<string, string> {
    const env: Record<string, string> = {};
    for (const [name, text] of Object.entries(this.fields(value, path))) {
      env[name] = this.string(text, `${path}.${name}`);
    }
    return env;
  }

  command(value: unknown, path: string, max = Number.POSITIVE_INFINITY): string[] {
    const command = this.list(value, path, (item, at) => this.string(item, at));
    if (command.length === 0 || command.length > max) this.wrong(path, "too_small", "needs a program to run");
    return command;
  }

  /** Ends the parsing: the value, if nothing was found. */
  end<T>(value: T): T {
    const [first] = this.errors;
    if (first === undefined) return value;
    throw new VelocityError("validation", `${first.path || "body"}: ${first.message}`, {
      errors: this.errors,
    });
  }
}

export function parseFilePath(value: string): string {
  const findings = new Findings();
  return findings.end(findings.filePath(value, "path"));
}

export function parseApplyFiles(value: unknown): ApplyFiles {
  const findings = new Findings();
  return findings.end(applyFilesOf(findings, findings.fields(value, "")));
}

export function parseBind(value: unknown): Bind {
  const findings = new Findings();
  const body = findings.fields(value, "");
  return findings.end({
    ...applyFilesOf(findings, body),
    // Their form was just checked, which is all that the brand says.
    sessionId: findings.uuid(body.sessionId, "sessionId") as SessionId,
    projectId: findings.uuid(body.projectId, "projectId") as ProjectId,
    generation: findings.int(body.generation, "generation"),
    run: runOf(findings, body.run),
  });
}

export function parseExec(value: unknown): Exec {
  const findings = new Findings();
  const body = findings.fields(value, "", ["command", "cwd", "env", "timeoutMs"]);
  return findings.end({
    command: findings.command(body.command, "command", LONGEST_COMMAND),
    ...(body.cwd === undefined ? {} : { cwd: findings.string(body.cwd, "cwd") }),
    ...(body.env === undefined ? {} : { env: findings.environment(body.env, "env") }),
    ...(body.timeoutMs === undefined
      ? {}
      : { timeoutMs: findings.int(body.timeoutMs, "timeoutMs", 1, LONGEST_EXEC_MS) }),
  });
}

function applyFilesOf(findings: Findings, body: Fields): ApplyFiles {
  return {
    files: findings.list(body.files, "files", (file, path) => fileOf(findings, file, path)),
    deletes: findings.list(body.deletes, "deletes", (file, path) => findings.filePath(file, path)),
  };
}

function fileOf(findings: Findings, value: unknown, path: string): FileContent {
  const file = findings.fields(value, path, ["path", "content", "encoding"]);
  return {
    path: findings.filePath(file.path, `${path}.path`),
    content: findings.string(file.content, `${path}.content`),
    encoding:
      file.encoding === undefined
        ? "utf8"
        : (findings.oneOf(file.encoding, `${path}.encoding`, ["utf8", "base64"]) ?? "utf8"),
  };
}

function runOf(findings: Findings, value: unknown): RunSpec {
  const run = findings.fields(value, "run");
  const ready = findings.fields(run.ready, "run.ready");
  const install = run.install === null ? null : findings.fields(run.install, "run.install");
  return {
    command: findings.command(run.command, "run.command"),
    cwd: findings.string(run.cwd, "run.cwd"),
    env: findings.environment(run.env, "run.env"),
    port: findings.int(run.port, "run.port"),
    ready: {
      path: findings.string(ready.path, "run.ready.path"),
      timeoutMs: findings.int(ready.timeoutMs, "run.ready.timeoutMs"),
    },
    listen: findings.oneOf(run.listen, "run.listen", ["preload", "bridge"]) ?? "preload",
    install: install && {
      command: findings.command(install.command, "run.install.command"),
      env: findings.environment(install.env, "run.install.env"),
    },
  };
}
