import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configurationPage } from "./configuration-page.ts";

test("the configuration reference is current: run apps/server/src/docs/generate.ts", async () => {
  const path = join(import.meta.dirname, "../../../../docs/reference/configuration.md");
  expect(await readFile(path, "utf8")).toBe(configurationPage());
});
