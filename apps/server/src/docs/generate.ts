/** Writes the generated reference pages of the server. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configurationPage } from "./configuration-page.ts";

const reference = join(import.meta.dirname, "../../../../docs/reference");
await writeFile(join(reference, "configuration.md"), configurationPage());
