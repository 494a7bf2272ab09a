import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

/** Folder of a hierarchy below which groups can be made. */
export interface CgroupBase {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** What can be controlled here, and where. Null: not by the kernel. */
export interface CgroupLayout {
  readonly freezer: CgroupBase | "signals";
  readonly memory: CgroupBase | null;
  readonly pids: CgroupBase | null;
  readonly cpu: CgroupBase | null;
  /** Where used CPU time can be read. */
  readonly cpuTime: CgroupBase | null;
}

export const NO_CGROUPS: CgroupLayout = {
  freezer: "signals",
  memory: null,
  pids: null,
  cpu: null,
  cpuTime: null,
};

/** Reads the machine's mounts. Where there are both versions, version 1 is entered at once and version 2 after 10 ms. */
export function detectCgroups(preferred: 1 | 2 = 1): CgroupLayout {
  if (process.platform !== "linux") return NO_CGROUPS;
  try {
    return cgroupLayout(
      readFileSync("/proc/self/mountinfo", "utf8"),
      readFileSync("/proc/self/cgroup", "utf8"),
      isWritable,
      (path) => readFileSync(path, "utf8"),
      preferred,
    );
  } catch {
    return NO_CGROUPS;
  }
}

/**
 * Groups are made at the visible root of a hierarchy, so that they outlive the service which the server runs in; below
 * the server's own group where the root is not ours to write.
 */
export function cgroupLayout(
  mountinfo: string,
  ownCgroups: string,
  writable: (folder: string) => boolean,
  read: (path: string) => string,
  preferred: 1 | 2 = 1,
): CgroupLayout {
  const own = new Map(
    ownCgroups
      .trim()
      .split("\n")
      .flatMap((line) => {
        const [, controllers = "", ...path] = line.split(":");
        return controllers.split(",").map((controller) => [controller, path.join(":")] as const);
      }),
  );
  const base = (version: 1 | 2, mount: string, controller: string): CgroupBase | null => {
    const folder = [mount, join(mount, own.get(controller) ?? "/")].find(writable);
    return folder === undefined ? null : { version, folder };
  };
  const v1 = new Map<string, CgroupBase | null>();
  let v2: CgroupBase | null = null;
  for (const line of mountinfo.trim().split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const mount = before.split(" ")[4];
    const [type, , options = ""] = after.split(" ");
    if (mount === undefined) continue;
    if (type === "cgroup2") v2 = base(2, mount, "");
    if (type !== "cgroup") continue;
    for (const controller of ["freezer", "memory", "pids", "cpu", "cpuacct"])
      if (options.split(",").includes(controller)) v1.set(controller, base(1, mount, controller));
  }
  const delegated = v2 === null ? [] : controllersBelow(v2, read);
  const control = (controller: string): CgroupBase | null =>
    delegated.includes(controller) ? v2 : (v1.get(controller) ?? null);
  const oldTime = v1.get("cpuacct") ?? null;
  const old = v1.get("freezer") ?? null;
  return {
    freezer: (preferred === 2 ? (v2 ?? old) : (old ?? v2)) ?? "signals",
    memory: control("memory"),
    pids: control("pids"),
    cpu: control("cpu"),
    cpuTime: (preferred === 2 ? (v2 ?? oldTime) : (oldTime ?? v2)) ?? null,
  };
}

/** The hierarchies that groups are made in, each once. */
export function cgroupLayoutFolders(layout: CgroupLayout): readonly string[] {
  const bases = Object.values(layout).flatMap((base: CgroupBase | "signals" | null) =>
    base === null || base === "signals" ? [] : [base.folder],
  );
  return [...new Set(bases)];
}

/** A child may only use what its parent passes on. */
function controllersBelow(base: CgroupBase, read: (path: string) => string): readonly string[] {
  try {
    return read(join(base.folder, "cgroup.subtree_control")).trim().split(/\s+/);
  } catch {
    return [];
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    // A read-only hierarchy may still have writable permission bits; the mount decides then.
    accessSync(join(folder, "cgroup.procs"), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
