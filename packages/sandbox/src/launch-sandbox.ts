import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { VelocityError } from "@velocity/contract";
import { bwrapArguments } from "./bwrap-arguments.ts";
import type { NamespaceSupport } from "./detect-sandbox.ts";
import { type LaunchPlan, launchPlan, planStage, type Stage, stagedPath } from "./launch-script.ts";
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts";
import { isPassable, isReachable } from "./reachable.ts";
import { readTail } from "./read-tail.ts";
import type { SandboxSpec } from "./sandbox-spec.ts";

/** A sandbox that runs by itself: it does not end with this process. */
export interface LaunchedSandbox {
  /** The init of its pid namespace: ending it ends everything inside. */
  readonly init: ProcessIdentity;
  /** Resolves when the sandbox has ended, for as long as this process lives. */
  readonly ended: Promise<void>;
}

export interface LaunchFiles {
  /** Gets what the sandbox prints. Owned by the caller, in a folder that the sandbox cannot reach. */
  readonly outputFile: string;
  /** Gets bubblewrap's own status as JSON: how a launch cut short by a crash is found again. */
  readonly statusFile: string;
}

/** Descriptor numbers in the launched process. */
const INFO = 3;
const STATUS = 4;
const SECCOMP = 5;
const READY = 6;

/** Says that everything is set up, gives up the descriptor, and becomes the program. */
const ANNOUNCE = `printf r >&${READY}; exec ${READY}>&-; exec "$@"`;

/**
 * Starts a sandbox and resolves when its program is being executed, with the identity of its init. Until then an abort
 * ends what was begun. Throws `driver_failed` where it could not be set up; the reason is in `context.output`.
 */
export async function launchSandbox(
  spec: SandboxSpec,
  support: NamespaceSupport,
  files: LaunchFiles,
  signal: AbortSignal,
): Promise<LaunchedSandbox> {
  signal.throwIfAborted();
  const announced = { ...spec, command: ["/bin/sh", "-c", ANNOUNCE, "velocity", ...spec.command] };
  const plan = planLaunch(announced, support, {
    info: INFO,
    status: STATUS,
    seccomp: spec.seccompFile === null ? null : SECCOMP,
    dieWithParent: false,
  });
  const opened: number[] = [];
  const open = (path: string, flags: number, mode?: number): number => {
    const fd = openSync(path, flags, mode);
    opened.push(fd);
    return fd;
  };
  let child: ChildProcess;
  try {
    const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NOFOLLOW, O_RDONLY } = constants;
    const output = open(files.outputFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    const status = open(files.statusFile, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    const seccomp = spec.seccompFile === null ? "ignore" : open(spec.seccompFile, O_RDONLY);
    const stdio: StdioOptions = ["ignore", output, output, "pipe", status, seccomp, "pipe"];
    // Covered by a harmless file: Node cannot close a descriptor that it did not open.
    const cover = open("/dev/null", O_RDONLY);
    for (const fd of support.inherited) {
      while (stdio.length < fd) stdio.push("ignore");
      if (fd > READY) stdio[fd] = cover;
    }
    child = spawn(plan.file, plan.args, { cwd: "/", env: {}, detached: true, stdio });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const info = readablePipe(child, INFO);
  const ready = readablePipe(child, READY);
  const onAbort = () => endLaunch(child);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const [text, mark] = await Promise.all([readAll(info), readAll(ready)]);
    signal.throwIfAborted();
    const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
    const init = mark === "r" && pid !== undefined ? identifyProcess(Number(pid)) : null;
    if (init === null) {
      endLaunch(child);
      await ended;
      throw new VelocityError("driver_failed", "The sandbox could not be set up.", {
        context: { sandbox: spec.id, output: await readTail(files.outputFile, 4096) },
      });
    }
    child.unref();
    return { init, ended };
  } finally {
    signal.removeEventListener("abort", onAbort);
    info.destroy();
    ready.destroy();
  }
}

/** The command line of a sandbox, from what is really on this machine right now. */
export function planLaunch(
  spec: SandboxSpec,
  support: NamespaceSupport,
  options: {
    readonly info: number | null;
    readonly status: number | null;
    readonly seccomp: number | null;
    readonly dieWithParent: boolean;
  },
): LaunchPlan {
  const owner = support.root ? spec.owner : null;
  const sources = [
    spec.etcDir,
    ...spec.mounts.flatMap((mount) => (mount.kind === "bind" ? [mount.source] : [])),
  ];
  const stage = planStage(
    spec.stageDir,
    sources,
    spec.mounts,
    (path) => owner === null || isReachable(path, owner),
    (folder) => owner === null || isPassable(folder, owner),
  );
  const bwrap = bwrapArguments(
    spec,
    {
      ...support.bwrap,
      dieWithParent: options.dieWithParent,
      systemFolders: support.systemFolders,
      maskedFiles: support.maskedFiles,
    },
    options,
    stagedPath(stage, spec.mounts),
  );
  makeMountPoints(stage);
  return launchPlan({
    tools: support.tools,
    stage,
    cgroupFiles: spec.cgroupFiles,
    owner,
    privileged: support.root,
    bwrapArguments: bwrap,
  });
}

/** Made here rather than in the launched shell, where each would cost a process. */
function makeMountPoints(stage: Stage): void {
  for (const [path, at] of stage.binds) {
    if (statSync(path).isDirectory()) mkdirSync(at, { recursive: true });
    else writeFileSync(at, "");
  }
  for (const { at } of stage.overlays) mkdirSync(at, { recursive: true });
}

/** Everything of a launch is in one process group until bubblewrap's own session begins. */
function endLaunch(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function readablePipe(child: ChildProcess, fd: number): Readable {
  const pipe = child.stdio[fd];
  if (pipe === null || pipe === undefined || !("read" in pipe)) throw new TypeError(`no pipe on ${fd}`);
  return pipe;
}

/** At most a few hundred bytes: one JSON object of bubblewrap, or one letter. */
async function readAll(pipe: Readable): Promise<string> {
  let text = "";
  pipe.setEncoding("utf8");
  try {
    for await (const chunk of pipe) {
      text += String(chunk);
      if (text.length > 4096) break;
    }
  } catch {
    // Closed by an abort; what was read decides.
  }
  return text;
}
