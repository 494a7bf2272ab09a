import { spawn } from "node:child_process";
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VelocityError } from "@velocity/contract/errors";
import { sourceHash } from "./source-hash.ts";

export interface BuildWebOptions {
  /** Builds are kept in `web/<content hash>` below it; made when missing. */
  readonly cacheDir: string;
  readonly signal?: AbortSignal;
  /** Told once when there is really something to build. */
  readonly onBuild?: () => void;
}

/** Builds kept beside the current one, so that switching branches back and forth costs nothing. */
const KEPT_BUILDS = 4;
const ABANDONED = /^\.building-(\d+)-/;
const MAX_OUTPUT_CHARS = 20_000;

/**
 * The production build of the pages, made only when their sources changed. Several processes may ask at once: each
 * builds aside and the first to finish wins, so that a folder named by its hash is always complete.
 * @throws VelocityError `internal` when Vite fails; its output is in the context
 */
export async function buildWeb(options: BuildWebOptions): Promise<{ readonly dir: string }> {
  const hash = await sourceHash();
  const cacheDir = join(options.cacheDir, "web");
  const dir = join(cacheDir, hash);
  if (await exists(join(dir, "index.html"))) return { dir };
  options.onBuild?.();
  await mkdir(cacheDir, { recursive: true });
  await dropOld(cacheDir, hash);
  const building = join(cacheDir, `.building-${process.pid}-${crypto.randomUUID()}`);
  try {
    await runVite(building, options.signal);
    await rename(building, dir).catch(async (error: unknown) => {
      if (!(await exists(join(dir, "index.html")))) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return { dir };
}

/** In a process of its own: the bundler's memory goes when it is done, and its settings stay away from the server. */
async function runVite(outDir: string, signal: AbortSignal | undefined): Promise<void> {
  const script = fileURLToPath(new URL("vite-build.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, outDir], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(signal === undefined ? {} : { signal }),
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) {
    throw new VelocityError("internal", "The web pages could not be built.", { context: { code, output } });
  }
}

async function dropOld(cacheDir: string, keep: string): Promise<void> {
  const names = await readdir(cacheDir);
  const builds = names.filter((name) => /^[0-9a-f]{24}$/.test(name) && name !== keep);
  const abandoned = names.filter((name) => {
    const pid = ABANDONED.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  // Servers hold their pages in memory, so that a folder may go while one still shows them.
  for (const name of [...abandoned, ...builds.slice(0, -KEPT_BUILDS)]) {
    await rm(join(cacheDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
