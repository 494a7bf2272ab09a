import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { isSafePath, VelocityError } from "@velocity/contract";

/** `path` as a file of the workspace: with links of its parents followed, still inside, and not in `.git` or `node_modules`. */
export async function resolveInside(
  root: string,
  path: string,
  options: { readonly createParents: boolean },
): Promise<string> {
  if (!isSafePath(path)) throw unsafe(path);
  const realRoot = await realpath(root);
  const target = join(realRoot, path);
  const parent = dirname(target);
  const existing = await nearestFolder(parent);
  // The nearest folder that is there decides: nothing is created before it is known to be inside.
  const real = join(await realpath(existing), relative(existing, parent));
  assertInside(realRoot, real, path);
  if (options.createParents) {
    try {
      await mkdir(real, { recursive: true });
    } catch (cause) {
      throw new VelocityError("validation", `"${path}" cannot be written: a part of it is a file.`, {
        cause,
      });
    }
  }
  return join(real, target.slice(parent.length + 1));
}

/** As above for something that is read: a link at the end is followed too, as long as it stays inside. */
export async function resolveExisting(root: string, path: string): Promise<string> {
  const target = await resolveInside(root, path, { createParents: false });
  const real = await realpath(target).catch((cause: unknown) => {
    throw new VelocityError("not_found", `There is no "${path}".`, { cause });
  });
  assertInside(await realpath(root), real, path);
  return real;
}

async function nearestFolder(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await lstat(at);
      return at;
    } catch {
      if (dirname(at) === at) return at;
    }
  }
}

function assertInside(realRoot: string, real: string, path: string): void {
  if (real === realRoot) return;
  const inside = relative(realRoot, real);
  if (inside.startsWith("..") || !real.startsWith(realRoot + sep) || !isSafePath(inside)) throw unsafe(path);
}

function unsafe(path: string): VelocityError {
  return new VelocityError("validation", "The path is not a file of the project.", {
    errors: [
      { path: "path", code: "unsafe_path", message: "unsafe path: use a relative path inside the project" },
    ],
    context: { path },
  });
}
