import { execFile } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type CgroupLayout, detectCgroups } from "./cgroup-layout.ts";
import { inheritedDescriptors } from "./inherited-descriptors.ts";
import type { LaunchTools } from "./launch-script.ts";
import { findProgram } from "./sandbox-tools.ts";

/** Bubblewrap works here; what a launch needs to know. */
export interface NamespaceSupport {
  readonly root: boolean;
  readonly tools: LaunchTools;
  readonly bwrap: { readonly version: string; readonly disableUserns: boolean; readonly sizedTmpfs: boolean };
  /** `/bin`, `/lib` and so on: the link text, or null for a real folder. */
  readonly systemFolders: ReadonlyMap<string, string | null>;
  /** What of `/proc` tells about the whole machine and is here. */
  readonly maskedFiles: readonly string[];
  /** Dependency layers can be mounted; otherwise they have to be copied. */
  readonly overlay: boolean;
  /** Descriptors of this process that a launch has to cover. */
  readonly inherited: readonly number[];
}

/** What this machine can do to keep untrusted code apart. */
export interface SandboxSupport {
  readonly namespaces: NamespaceSupport | null;
  readonly cgroups: CgroupLayout;
  /** Plain sentences for an operator: what is missing, what it means, and how to get it. */
  readonly advice: readonly string[];
}

const run = promisify(execFile);
const MACHINE_FILES = [
  ...["kcore", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats"],
  ...["mtrr", "sched_debug", "slabinfo", "timer_list", "vmallocinfo", "zoneinfo"],
];
const PROBE_TIMEOUT_MS = 10_000;

/** Looks, and tries: a bubblewrap that is installed but may not make namespaces counts as missing. Some 50 ms. */
export async function detectSandbox(): Promise<SandboxSupport> {
  const advice: string[] = [];
  const namespaces = process.platform === "linux" ? await detectNamespaces(advice) : null;
  if (process.platform !== "linux")
    advice.push("Sandboxes need Linux: here previews run as plain processes, for trusted code only.");
  const cgroups = detectCgroups();
  if (process.platform === "linux" && cgroups.freezer === "signals")
    advice.push(
      "No writable freezer control group: suspending uses SIGSTOP, which programs inside can notice.",
    );
  if (process.platform === "linux" && cgroups.memory === null)
    advice.push("No writable memory control group: memory limits are watched, not enforced by the kernel.");
  return { namespaces, cgroups, advice };
}

async function detectNamespaces(advice: string[]): Promise<NamespaceSupport | null> {
  const bwrap = findProgram("bwrap");
  if (bwrap === null) {
    advice.push(
      "bubblewrap is not installed: previews run unprotected, for trusted code only. Install it with " +
        "`apt install bubblewrap` (Debian, Ubuntu), `dnf install bubblewrap` (Fedora) or `apk add bubblewrap` (Alpine).",
    );
    return null;
  }
  const root = process.getuid?.() === 0;
  const found = {
    sh: findProgram("sh"),
    unshare: findProgram("unshare"),
    setpriv: findProgram("setpriv"),
    mount: findProgram("mount"),
  };
  const { sh, unshare, setpriv, mount } = found;
  if (sh === null || unshare === null || mount === null || (root && setpriv === null)) {
    advice.push("The programs unshare, setpriv and mount are needed: install util-linux.");
    return null;
  }
  const tools = { bwrap, sh, unshare, setpriv: setpriv ?? "", mount };
  const help = await run(bwrap, ["--help"], { timeout: PROBE_TIMEOUT_MS }).catch(() => null);
  const version = await run(bwrap, ["--version"], { timeout: PROBE_TIMEOUT_MS }).catch(() => null);
  const systemFolders = readSystemFolders();
  const probe = ["--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"];
  for (const [folder, link] of systemFolders)
    probe.push(...(link === null ? ["--ro-bind", folder, folder] : ["--symlink", link, folder]));
  probe.push("--proc", "/proc", "--dev", "/dev", "--", "/usr/bin/true");
  try {
    await run(bwrap, probe, { timeout: PROBE_TIMEOUT_MS });
  } catch {
    advice.push(
      "bubblewrap is installed but may not create namespaces here: previews run unprotected, for trusted code only. " +
        "In a container, run it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`; on a host, " +
        "allow unprivileged user namespaces (`sysctl kernel.apparmor_restrict_unprivileged_userns=0`), or start as root.",
    );
    return null;
  }
  const overlay = await tryOverlay(tools, root);
  if (!overlay)
    advice.push("Overlay mounts are not possible here: dependencies are copied, which is slower.");
  return {
    root,
    tools,
    bwrap: {
      version: version?.stdout.trim().split(" ").at(-1) ?? "unknown",
      disableUserns: help?.stdout.includes("--disable-userns") === true,
      sizedTmpfs: help?.stdout.includes("--size") === true,
    },
    systemFolders,
    maskedFiles: MACHINE_FILES.map((name) => `/proc/${name}`).filter((path) => existsSync(path)),
    overlay,
    inherited: inheritedDescriptors(),
  };
}

/** The folders beside `/usr` that hold programs and libraries, as this system has them. */
function readSystemFolders(): ReadonlyMap<string, string | null> {
  const folders = new Map<string, string | null>();
  for (const folder of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    if (!existsSync(folder)) continue;
    folders.set(folder, lstatSync(folder).isSymbolicLink() ? readlinkSync(folder) : null);
  }
  return folders;
}

async function tryOverlay(tools: LaunchTools, root: boolean): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "velocity-overlay-"));
  try {
    for (const name of ["l", "u", "w", "m"]) await mkdir(join(folder, name));
    const data = `lowerdir=l,upperdir=u,workdir=w${root ? "" : ",userxattr"}`;
    const namespaces = root ? ["--mount"] : ["--map-root-user", "--mount"];
    await run(
      tools.unshare,
      [
        ...namespaces,
        "--propagation",
        "private",
        tools.mount,
        "-n",
        "-t",
        "overlay",
        "-o",
        data,
        "overlay",
        "m",
      ],
      { cwd: folder, timeout: PROBE_TIMEOUT_MS },
    );
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
