import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Everything that a build is made from: our sources, and the versions of what they are built with. */
const SOURCES = [
  "apps/web/index.html",
  "apps/web/src",
  "apps/web/node/vite-config.ts",
  "packages/react/src",
  "packages/sdk/src",
  "packages/contract/src",
];
const TOOLS = [
  "vite",
  "rolldown",
  "@vitejs/plugin-react",
  "@tailwindcss/vite",
  "tailwindcss",
  "react",
  "react-dom",
  "@tanstack/react-query",
  "@tanstack/query-core",
];

/** The same hash means the same pages. Reads a few dozen small files; loads no tool. */
export async function sourceHash(): Promise<string> {
  const listed = await Promise.all(SOURCES.map((path) => filesBelow(join(ROOT, path))));
  const files = listed.flat().filter((path) => !/\.test\.tsx?$|\/testing\//.test(path));
  const contents = await Promise.all(files.map((path) => readFile(path)));
  const versions = await Promise.all(TOOLS.map(installedVersion));
  const hash = createHash("sha256");
  for (const [index, path] of files.entries()) {
    const content = contents[index];
    if (content === undefined) continue;
    hash.update(`${relative(ROOT, path)}\0${content.length}\0`).update(content);
  }
  hash.update(JSON.stringify(versions));
  return hash.digest("hex").slice(0, 24);
}

async function filesBelow(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return [path];
    throw error;
  }
}

/** The version that npm put beside us; a tool that npm nested elsewhere is covered by its parent's version. */
async function installedVersion(name: string): Promise<string> {
  try {
    const manifest: unknown = JSON.parse(
      await readFile(join(ROOT, "node_modules", name, "package.json"), "utf8"),
    );
    const version =
      typeof manifest === "object" && manifest !== null && "version" in manifest
        ? manifest.version
        : "unknown";
    return `${name}@${String(version)}`;
  } catch {
    return `${name}@nested`;
  }
}
