import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { referenceFiles } from "./reference-files.ts";

/** `node packages/api/src/docs/generate.ts`: writes `docs/reference`. */
const folder = new URL("../../../../docs/reference/", import.meta.url);
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(referenceFiles())) {
  const file = new URL(name, folder);
  await writeFile(file, text);
  process.stdout.write(`${fileURLToPath(file)}\n`);
}
