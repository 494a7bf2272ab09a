import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface BundleOptions {
  /** Folder that bundles are kept in; made when missing. */
  readonly cacheDir: string;
}

/**
 * The folder with `agent.mjs` and `preload.cjs`, ready to be mounted into a container. Bundled once per content of the
 * sources: otherwise this only reads and hashes them (a few ms) and never loads the bundler. Safe for any number of
 * processes at once: a bundle appears whole, under a name made of its inputs.
 */
export async function bundleAgent(options: BundleOptions): Promise<{ dir: string }> {
  const source = import.meta.dirname;
  const dir = join(options.cacheDir, `agent-${await inputHash(source)}`);
  if (await exists(join(dir, "agent.mjs"))) return { dir };
  await mkdir(options.cacheDir, { recursive: true });
  const beside = `${dir}.${randomBytes(4).toString("hex")}`;
  try {
    await build(source, beside);
    await rename(beside, dir);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    // Another process was first: its bundle is the same.
    if (!(await exists(join(dir, "agent.mjs")))) throw error;
  }
  return { dir };
}

/**
 * `agent.mjs` stands alone: each further file that it would have to open is a part of a millisecond before the dev server
 * starts. What it loads afterwards is built as parts that share their code.
 */
const LATER = { agent: "agent.ts", forwarder: "egress/forwarder.ts", "run-command": "egress/run-command.ts" };

async function build(source: string, outdir: string): Promise<void> {
  const { build: bundle } = await import("esbuild");
  const common = {
    bundle: true,
    platform: "node",
    target: "node20",
    minify: true,
    legalComments: "none",
  } as const;
  const later = Object.entries(LATER).map(([name, file]) => [`later-${name}`, file] as const);
  await mkdir(outdir, { recursive: true });
  await Promise.all([
    bundle({
      ...common,
      entryPoints: [join(source, "main.ts")],
      outfile: join(outdir, "agent.mjs"),
      format: "esm",
      plugins: [
        {
          name: "later",
          setup: (build) =>
            build.onResolve({ filter: /^\./ }, ({ path, kind }) => {
              const name = later.find(([, file]) => path === `./${file}`)?.[0];
              return kind === "dynamic-import" && name ? { path: `./${name}.mjs`, external: true } : null;
            }),
        },
      ],
    }),
    bundle({
      ...common,
      entryPoints: Object.fromEntries(later.map(([name, file]) => [name, join(source, file)])),
      outdir,
      format: "esm",
      splitting: true,
      outExtension: { ".js": ".mjs" },
      chunkNames: "part-[hash]",
    }),
    bundle({
      ...common,
      entryPoints: [join(source, "preload", "preload.ts")],
      outfile: join(outdir, "preload.cjs"),
      format: "cjs",
    }),
  ]);
}

/** Every source that can end up in the bundle, and the versions of what is not ours. */
async function inputHash(source: string): Promise<string> {
  const hash = createHash("sha256");
  const folders = [source, packageSource("@velocity/contract")];
  const files = (await Promise.all(folders.map(sourcesOf))).flat().sort();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  for (const [index, file] of files.entries()) {
    const content = contents[index] ?? "";
    hash.update(`${file.slice(dirname(source).length)}\0${content.length}\0`).update(content);
  }
  hash.update(await readFile(fileURLToPath(import.meta.resolve("esbuild/package.json"))));
  return hash.digest("hex").slice(0, 20);
}

function packageSource(name: string): string {
  return dirname(fileURLToPath(import.meta.resolve(name)));
}

/** Runs in the server or in tests, never in a container. */
const OUTSIDE = /^(client|test)\//;

async function sourcesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !OUTSIDE.test(name))
    .map((name) => join(folder, name));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
