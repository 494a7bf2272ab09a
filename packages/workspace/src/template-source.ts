import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type FileContent, VelocityError } from "@velocity/contract";
import { z } from "zod";
import type { TemplateFacts, Templates } from "./ports.ts";

const templateJsonSchema = z.strictObject({
  title: z.string().min(1),
  description: z.string().min(1),
  framework: z.string().min(1),
});

/** Says what a template is; not one of the project's files. */
const TEMPLATE_JSON = "template.json";
/** What tools leave behind where a template was run in its own folder. */
const IGNORED = new Set([
  "node_modules",
  ".git",
  "dist",
  ".vite",
  ".next",
  ".expo",
  ".nuxt",
  ".astro",
  ".svelte-kit",
  ".DS_Store",
  "next-env.d.ts",
  "expo-env.d.ts",
]);

interface Cached {
  readonly stamp: string;
  readonly facts: TemplateFacts;
  readonly files: readonly FileContent[];
}

/**
 * Templates as plain folders: `<id>/template.json` beside the files of the project. Read once, and again when a file's time
 * or size changes.
 */
export function createTemplateSource(templatesDir: string): Templates {
  const cache = new Map<string, Cached>();

  async function load(id: string): Promise<Cached | null> {
    const entries = await walk(join(templatesDir, id));
    if (!entries.some((entry) => entry.path === TEMPLATE_JSON)) return null;
    const stamp = JSON.stringify(entries);
    const known = cache.get(id);
    if (known?.stamp === stamp) return known;
    const described = await readFile(join(templatesDir, id, TEMPLATE_JSON), "utf8");
    const facts = { id, ...templateJsonSchema.parse(JSON.parse(described)) };
    const files = entries.filter((entry) => entry.path !== TEMPLATE_JSON);
    const read = await Promise.all(files.map((entry) => readContent(join(templatesDir, id), entry.path)));
    const loaded = { stamp, facts, files: read };
    cache.set(id, loaded);
    return loaded;
  }

  async function ids(): Promise<readonly string[]> {
    const entries = await readdir(templatesDir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name)
      .sort();
  }

  return {
    async list() {
      const loaded = await Promise.all((await ids()).map(load));
      return loaded.flatMap((template) => (template === null ? [] : [template.facts]));
    },
    async files(id) {
      const known = await ids();
      const template = known.includes(id) ? await load(id) : null;
      if (template !== null) return template.files;
      const names = (await this.list()).map((each) => each.id).join(", ");
      throw new VelocityError("validation", "There is no such template.", {
        errors: [
          { path: "template", code: "unknown_template", message: `Unknown template. Known: ${names}.` },
        ],
      });
    },
  };
}

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly changedAt: number;
}

async function walk(root: string, folder = ""): Promise<readonly Entry[]> {
  const entries: Dirent[] = await readdir(join(root, folder), { withFileTypes: true });
  const found: Entry[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (IGNORED.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await walk(root, path)));
    else if (entry.isFile()) {
      const facts = await stat(join(root, path));
      found.push({ path, size: facts.size, changedAt: facts.mtimeMs });
    }
  }
  return found;
}

/** Text where the bytes are text, base64 otherwise: nothing is lost either way. */
async function readContent(root: string, path: string): Promise<FileContent> {
  const bytes = await readFile(join(root, path));
  const text = bytes.toString("utf8");
  const isText = !text.includes("\0") && Buffer.from(text, "utf8").equals(bytes);
  return isText
    ? { path, content: text, encoding: "utf8" }
    : { path, content: bytes.toString("base64"), encoding: "base64" };
}
