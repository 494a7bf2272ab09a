import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Name of the bundle's file, in the folder that `bundleStaticServer` gives. */
export const STATIC_SERVER_FILE = "static-server.mjs";

/**
 * The folder with the static server as one file without dependencies, ready to be mounted into a container. Bundled once
 * per content of its sources; appears whole, whoever else does the same.
 */
export async function bundleStaticServer(options: { readonly cacheDir: string }): Promise<{ dir: string }> {
  const sources = import.meta.dirname;
  const names = (await readdir(sources)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const hash = createHash("sha256");
  for (const name of names.sort()) hash.update(`${name}\0`).update(await readFile(join(sources, name)));
  hash.update(await readFile(createRequire(import.meta.url).resolve("sirv/package.json")));
  const dir = join(options.cacheDir, `static-server-${hash.digest("hex").slice(0, 20)}`);
  if (await exists(join(dir, STATIC_SERVER_FILE))) return { dir };
  const beside = `${dir}.${randomUUID()}`;
  try {
    await mkdir(beside, { recursive: true, mode: 0o755 });
    const { build } = await import("esbuild");
    await build({
      entryPoints: [join(sources, "main.ts")],
      outfile: join(beside, STATIC_SERVER_FILE),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      // sirv's dependencies are CommonJS.
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
    });
    await rename(beside, dir);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!(await exists(join(dir, STATIC_SERVER_FILE)))) throw error;
  }
  return { dir };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
