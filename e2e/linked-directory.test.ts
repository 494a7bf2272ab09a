import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "./src/browser.ts";
import { startVelocity } from "./src/velocity.ts";

const TEMPLATES = resolve(import.meta.dirname, "../templates");

describe.skipIf(!existsSync("/usr/bin/chromium"))("npm start -- <dir>", () => {
  let browser: Browser;
  let directory: string;
  beforeAll(async () => {
    browser = await launchBrowser();
    directory = await mkdtemp(join(tmpdir(), "velocity-linked-"));
  });
  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("a real project is installed by its own manager, shown live, and gets no file of ours", async () => {
    await cp(join(TEMPLATES, "vanilla"), directory, { recursive: true });
    const before = await readdir(directory);
    // relative, as a person types it: it is relative to where the person stands
    await using velocity = await startVelocity({ args: ["."], cwd: directory });
    const [, url = ""] = await velocity.printed(/(http:\/\/[0-9a-f-]{36}\.velocity\.localhost:\d+)/);

    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("heading", { name: "Welcome to Velocity Preview!" }).waitFor();

    const file = join(directory, "index.html");
    const saved = (await readFile(file, "utf8")).replace(
      "Welcome to Velocity Preview!",
      "Saved in my editor",
    );
    await savedShows(page, () => writeFile(file, saved), "Saved in my editor");

    const added = (await readdir(directory)).filter((name) => !before.includes(name));
    expect(added).toEqual(["node_modules"]);
    await page.close();
  });

  test("plain HTML without a package.json is served with live reload", async () => {
    const plain = await mkdtemp(join(tmpdir(), "velocity-plain-"));
    await writeFile(join(plain, "index.html"), "<!doctype html><title>Plain</title><h1>Just a page</h1>");
    await using velocity = await startVelocity({ args: [plain] });
    const [, url = ""] = await velocity.printed(/(http:\/\/[0-9a-f-]{36}\.velocity\.localhost:\d+)/);
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("heading", { name: "Just a page" }).waitFor();
    const saved = "<!doctype html><title>Plain</title><h1>Saved again</h1>";
    await savedShows(page, () => writeFile(join(plain, "index.html"), saved), "Saved again");
    expect(await readdir(plain)).toEqual(["index.html"]);
    await page.close();
    await rm(plain, { recursive: true, force: true });
  });

  test("a directory that does not exist is a plain sentence and exit code 1", async () => {
    await expect(startVelocity({ args: ["./nowhere-at-all"] })).rejects.toThrow(
      /ended with 1[\s\S]*does not exist/,
    );
  });
});

/** Saves until the page shows it: a save before its hot-reload socket is open reaches nobody, with any dev server. */
async function savedShows(page: Page, save: () => Promise<void>, heading: string): Promise<void> {
  const shows = async () => {
    await save();
    const shown = page.getByRole("heading", { name: heading }).waitFor({ timeout: 2000 });
    return shown.then(
      () => true,
      () => false,
    );
  };
  await expect.poll(shows, { timeout: 30_000, interval: 100 }).toBe(true);
}
