import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Where Debian, Ubuntu and their relatives install every version side by side. */
const DEBIAN_ROOT = "/usr/lib/postgresql";

export type PostgresAvailability =
  | { readonly kind: "available"; readonly bin: string; readonly uid?: number; readonly gid?: number }
  | { readonly kind: "missing"; readonly reason: string };

/** Whether this machine can run a private PostgreSQL, and if not, why: to be printed by the suite that is left out. */
export function findPostgres(): PostgresAvailability {
  const versions = existsSync(DEBIAN_ROOT)
    ? readdirSync(DEBIAN_ROOT).map(Number).filter(Number.isFinite)
    : [];
  const bin = versions
    .sort((a, b) => b - a)
    .map((version) => join(DEBIAN_ROOT, String(version), "bin"))
    .find((path) => existsSync(join(path, "initdb")) && existsSync(join(path, "postgres")));
  if (bin === undefined)
    return {
      kind: "missing",
      reason: `no PostgreSQL under ${DEBIAN_ROOT} (Debian, Ubuntu: apt install postgresql)`,
    };
  if (process.getuid?.() !== 0) return { kind: "available", bin };
  // PostgreSQL refuses to run as root.
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (entry === null) return { kind: "missing", reason: "running as root, and there is no user postgres" };
  return { kind: "available", bin, uid: Number(entry[1]), gid: Number(entry[2]) };
}

/** A PostgreSQL of one's own: an empty cluster in a temporary folder, reachable by a Unix socket only. */
export interface PostgresCluster {
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server as a crash would; databases stay. */
  crash(): Promise<void>;
  /** Starts it again after `crash`. */
  restart(): Promise<void>;
  /** Ends the server and removes everything. */
  stop(): Promise<void>;
}

/** Starts a cluster; the caller stops it. Throws where `findPostgres` says `missing`. */
export async function startPostgres(): Promise<PostgresCluster> {
  const found = findPostgres();
  if (found.kind === "missing") throw new Error(found.reason);
  const { bin } = found;
  const identity =
    found.uid === undefined || found.gid === undefined ? {} : { uid: found.uid, gid: found.gid };
  const folder = await mkdtemp(join(tmpdir(), "velocity-pg-"));
  if (found.uid !== undefined && found.gid !== undefined) chownSync(folder, found.uid, found.gid);
  const data = join(folder, "data");
  let server: ChildProcess | null = null;
  const killOnExit = () => void server?.kill("SIGKILL");

  const start = async () => {
    // Durability is of no interest here, speed is.
    const settings = [
      "listen_addresses=",
      `unix_socket_directories=${folder}`,
      "max_connections=100",
      "shared_buffers=32MB",
      "fsync=off",
      "full_page_writes=off",
    ];
    server = spawn(join(bin, "postgres"), ["-D", data, ...settings.flatMap((setting) => ["-c", setting])], {
      ...identity,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await readiness(server);
  };
  const end = async (signal: "SIGQUIT" | "SIGKILL") => {
    const running = server;
    server = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    await once(running, "exit");
  };
  const remove = async () => {
    process.off("exit", killOnExit);
    await end("SIGQUIT");
    await rm(folder, { recursive: true, force: true });
  };

  process.once("exit", killOnExit);
  try {
    await run(
      join(bin, "initdb"),
      ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      { ...identity, cwd: folder },
    );
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    async createDatabase() {
      const name = `test_${randomUUID().replaceAll("-", "")}`;
      await run(join(bin, "createdb"), ["-h", folder, "-U", "postgres", name], { ...identity, cwd: folder });
      return `postgres://postgres@${encodeURIComponent(folder)}/${name}`;
    },
    crash: () => end("SIGQUIT"),
    restart: start,
    stop: remove,
  };
}

/** Resolves when the server says so itself; rejects with its last words when it ends instead. */
async function readiness(server: ChildProcess): Promise<void> {
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${said.join("").slice(-2000)}`)));
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < 100) said.push(text);
      if (text.includes("ready to accept connections")) resolve();
    });
  });
}
