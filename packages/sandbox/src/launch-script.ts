import { posix } from "node:path";
import type { HostOwner, SandboxMount } from "./sandbox-spec.ts";

/** Programs of the host that a launch goes through, by absolute path. */
export interface LaunchTools {
  readonly sh: string;
  readonly unshare: string;
  readonly setpriv: string;
  readonly mount: string;
  readonly bwrap: string;
}

export interface LaunchPlan {
  readonly file: string;
  readonly args: readonly string[];
}

/** Where a host path is to be found once the stage is up. */
export interface Stage {
  /** Paths bound into the stage, as they are unreachable for the sandbox's user: host folder → folder in the stage. */
  readonly binds: ReadonlyMap<string, string>;
  /** Every unreachable path → where it is found through those. */
  readonly places: ReadonlyMap<string, string>;
  readonly overlays: readonly { readonly mount: Overlay; readonly at: string }[];
}

type Overlay = Extract<SandboxMount, { kind: "overlay" }>;

/** Options of `mount -o` are separated by commas, lower layers by colons: other paths are bound to plain names first. */
const PLAIN_PATH = /^[A-Za-z0-9_./@+-]+$/;

/**
 * Decides what has to be mounted before bubblewrap runs. `reachable` says whether the sandbox's user can get to a host
 * path by itself, `passable` whether it may walk through a folder once it is there.
 */
export function planStage(
  stageDir: string,
  paths: readonly string[],
  mounts: readonly SandboxMount[],
  reachable: (path: string) => boolean,
  passable: (folder: string) => boolean,
): Stage {
  const binds = new Map<string, string>();
  const places = new Map<string, string>();
  const bind = (path: string): string => {
    const known = binds.get(path);
    if (known !== undefined) return known;
    const at = `${stageDir}/b${binds.size}`;
    binds.set(path, at);
    return at;
  };
  const shut = paths.filter((path) => !reachable(path));
  const folders = shut.map((path) => posix.dirname(path));
  for (const path of shut) {
    // Each mount is a process: folders side by side are reached through the one above them, where that can be passed.
    const folder = posix.dirname(path);
    const shared = folders.filter((other) => other === folder).length > 1 && passable(folder);
    places.set(path, shared ? `${bind(folder)}/${posix.basename(path)}` : bind(path));
  }
  const overlays = mounts
    .filter((mount) => mount.kind === "overlay")
    .map((mount, index) => {
      const plain = (path: string) => (PLAIN_PATH.test(path) ? path : bind(path));
      const parent = mount.upper.slice(0, mount.upper.lastIndexOf("/"));
      const parentAt = plain(parent);
      return {
        at: `${stageDir}/o${index}`,
        mount: {
          ...mount,
          lower: plain(mount.lower),
          upper: parentAt + mount.upper.slice(parent.length),
          work: parentAt + mount.work.slice(parent.length),
        },
      };
    });
  return { binds, places, overlays };
}

/** Host path → the path that bubblewrap is told. */
export function stagedPath(stage: Stage, mounts: readonly SandboxMount[]): (path: string) => string {
  const overlays = mounts.filter((mount) => mount.kind === "overlay");
  return (path) => {
    const overlay = overlays.findIndex((mount) => mount.upper === path);
    return stage.overlays[overlay]?.at ?? stage.places.get(path) ?? path;
  };
}

/**
 * The command that enters the control groups, mounts in a private namespace what has to be mounted, gives up root, and
 * becomes bubblewrap. Nothing of it shows in the host's mount table, and all of it ends with the sandbox.
 */
export function launchPlan(options: {
  readonly tools: LaunchTools;
  readonly stage: Stage;
  readonly cgroupFiles: readonly string[];
  readonly owner: HostOwner | null;
  /** Real root, or root of a user namespace made for the mounts. */
  readonly privileged: boolean;
  readonly bwrapArguments: readonly string[];
}): LaunchPlan {
  const { tools, stage } = options;
  const mount = quote(tools.mount);
  const lines = ["set -e", ...options.cgroupFiles.map((file) => `echo 0 > ${quote(file)}`)];
  const staged = stage.binds.size > 0 || stage.overlays.length > 0;
  if (staged) {
    for (const [path, at] of stage.binds) lines.push(`${mount} -n --rbind ${quote(path)} ${quote(at)}`);
    for (const { mount: layer, at } of stage.overlays) {
      const layers = `lowerdir=${layer.lower},upperdir=${layer.upper},workdir=${layer.work}`;
      const data = options.privileged ? layers : `${layers},userxattr`;
      lines.push(`${mount} -n -t overlay -o ${quote(data)} overlay ${quote(at)}`);
    }
  }
  const asOwner =
    options.owner === null
      ? []
      : [
          ...[tools.setpriv, "--reuid", String(options.owner.uid), "--regid", String(options.owner.gid)],
          "--clear-groups",
        ];
  lines.push(`exec ${[...asOwner, tools.bwrap].map(quote).join(" ")} "$@"`);
  const shell = [tools.sh, "-c", lines.join("\n"), "velocity-sandbox", ...options.bwrapArguments];
  if (!staged) return { file: tools.sh, args: shell.slice(1) };
  const namespaces = options.privileged ? ["--mount"] : ["--map-root-user", "--mount"];
  return { file: tools.unshare, args: [...namespaces, "--propagation", "private", ...shell] };
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
