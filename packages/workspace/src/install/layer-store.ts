import { randomUUID } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { runTool } from "./run-tool.ts";

const manifestSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  /** Every `node_modules` of the layer, relative to the layer and to the workspace alike. */
  targets: z.array(z.string()),
  sizeBytes: z.int(),
  createdAt: z.iso.datetime(),
  /** Boot of the machine that wrote it; see `isWhole`. */
  bootId: z.string().nullable(),
  /** Packages that were left without their build: such a layer is never shared. */
  needsBuild: z.array(z.string()),
});
export type LayerManifest = z.infer<typeof manifestSchema>;

export interface LayerStoreOptions {
  readonly directory: string;
  /** The least recently used layers go when all together are larger. */
  readonly maxBytes: number;
  /** Keys of layers that a container has mounted. */
  readonly inUse: () => Promise<ReadonlySet<string>>;
  readonly now: () => Date;
}

const MANIFEST = "manifest.json";
/** Exists once the layer's bytes have reached the disk. */
const DURABLE = "durable";
/** Between "here it is" and the mount that `inUse` knows of. */
const RECENT_MS = 15 * 60_000;

/**
 * Finished dependency layers, one folder per key. A layer appears by one rename, with its manifest, or not at all.
 * Waiting for the disk would double the time of an installation, so that happens afterwards: a layer that the disk may
 * not have seen counts only until the machine restarts.
 */
export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #bootId: Promise<string | null>;
  readonly #background = new Set<Promise<void>>();

  constructor(options: LayerStoreOptions) {
    this.#options = options;
    this.#bootId = readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
      (text) => text.trim(),
      () => null,
    );
  }

  path(key: string): string {
    return join(this.#options.directory, key);
  }

  /** The layer's manifest, and its time of use renewed; null where there is no whole layer. */
  async lookup(key: string): Promise<LayerManifest | null> {
    const manifest = await this.#read(key);
    if (manifest === null) return null;
    const now = this.#options.now();
    await utimes(join(this.path(key), MANIFEST), now, now).catch(() => {});
    return manifest;
  }

  /** Takes over a finished folder of the same file system. Whoever comes second keeps the first one's layer. */
  async publish(
    key: string,
    folder: string,
    facts: Pick<LayerManifest, "targets" | "sizeBytes" | "needsBuild">,
  ): Promise<LayerManifest> {
    const bootId = await this.#bootId;
    if (bootId === null) await this.#sync(folder);
    const manifest: LayerManifest = {
      version: 1,
      key,
      ...facts,
      createdAt: this.#options.now().toISOString(),
      bootId,
    };
    await writeFile(join(folder, MANIFEST), JSON.stringify(manifest), { mode: 0o600 });
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    const path = this.path(key);
    for (let attempt = 0; ; attempt++) {
      try {
        await rename(folder, path);
        break;
      } catch (error) {
        const there = await this.#read(key);
        if (there !== null) {
          await rm(folder, { recursive: true, force: true });
          return there;
        }
        if (attempt > 0) throw error;
        await this.#discard(key);
      }
    }
    if (bootId !== null) this.#later(this.#makeDurable(path));
    return manifest;
  }

  /** Removes the least recently used layers until the rest fits. Uncertainty about use keeps a layer. */
  async evict(): Promise<readonly string[]> {
    const { directory, maxBytes, now } = this.#options;
    const layers = await this.#list();
    let total = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
    if (total <= maxBytes) return [];
    const inUse = await this.#options.inUse();
    const removed: string[] = [];
    for (const layer of layers.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= maxBytes) break;
      if (inUse.has(layer.key) || now().getTime() - layer.usedAt < RECENT_MS) continue;
      // Looked at again, since a start may have come in between.
      const current = await stat(join(directory, layer.key, MANIFEST)).catch(() => null);
      if (current === null || current.mtimeMs !== layer.usedAt) continue;
      await this.#discard(layer.key);
      total -= layer.sizeBytes;
      removed.push(layer.key);
    }
    return removed;
  }

  /** Resolves when nothing goes on in the background. */
  async close(): Promise<void> {
    while (this.#background.size > 0) await Promise.allSettled([...this.#background]);
  }

  async #read(key: string): Promise<LayerManifest | null> {
    let text: string;
    try {
      text = await readFile(join(this.path(key), MANIFEST), "utf8");
    } catch {
      return null;
    }
    const parsed = manifestSchema.safeParse(safeJson(text));
    if (!parsed.success || parsed.data.key !== key) return null;
    return (await this.#isWhole(key, parsed.data)) ? parsed.data : null;
  }

  async #isWhole(key: string, manifest: LayerManifest): Promise<boolean> {
    const path = this.path(key);
    try {
      await Promise.all(manifest.targets.map((target) => access(join(path, target))));
      if (manifest.bootId !== null && manifest.bootId !== (await this.#bootId))
        await access(join(path, DURABLE));
      return true;
    } catch {
      return false;
    }
  }

  async #list(): Promise<{ key: string; sizeBytes: number; usedAt: number }[]> {
    const names = await readdir(this.#options.directory).catch(() => []);
    const layers = [];
    for (const key of names.filter((name) => !name.startsWith("."))) {
      const manifest = await this.#read(key);
      const used = await stat(join(this.path(key), MANIFEST)).catch(() => null);
      if (manifest !== null && used !== null)
        layers.push({ key, sizeBytes: manifest.sizeBytes, usedAt: used.mtimeMs });
    }
    return layers;
  }

  /** Out of sight at once; the bytes go afterwards. */
  async #discard(key: string): Promise<void> {
    const trash = join(this.#options.directory, `.trash-${randomUUID()}`);
    try {
      await rename(this.path(key), trash);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    this.#later(rm(trash, { recursive: true, force: true, maxRetries: 3 }));
  }

  async #makeDurable(path: string): Promise<void> {
    await this.#sync(path);
    await writeFile(join(path, DURABLE), "", { mode: 0o600 });
  }

  /** `sync -f` writes out the whole file system that holds the folder: one call instead of one per file. */
  async #sync(folder: string): Promise<void> {
    await runTool("sync", process.platform === "linux" ? ["-f", folder] : []);
  }

  #later(work: Promise<void>): void {
    const settled = work.catch(() => {}).finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
