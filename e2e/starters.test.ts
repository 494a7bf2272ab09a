import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, type ExpectStatic, test, vi } from "vitest";
import { launchBrowser } from "./src/browser.ts";
import { STARTERS, type Starter } from "./src/starters.ts";
import { startVelocity, type Velocity } from "./src/velocity.ts";

interface Started {
  readonly session: {
    readonly id: string;
    readonly url: string;
    readonly state: string;
    readonly error: { readonly code: string; readonly message: string } | null;
  };
}

const SAVED = "Saved in my editor";
/** Whoever has this many of them at once waits for installers, not for Velocity. */
const AT_ONCE = 2;
vi.setConfig({ maxConcurrency: AT_ONCE });

describe.skipIf(!existsSync("/usr/bin/chromium"))("a project that nobody here wrote, linked live", () => {
  let velocity: Velocity;
  let browser: Browser;
  let folder: string;
  const report: string[] = [];
  beforeAll(async () => {
    // One after the other: whatever was made before one of them fails is cleaned up.
    folder = await mkdtemp(join(tmpdir(), "starters-"));
    browser = await launchBrowser();
    velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0" } });
  });
  afterAll(async () => {
    await browser?.close();
    await velocity?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    process.stdout.write(`${report.join("\n")}\n`);
  });

  // Tests that run beside each other each have an `expect` of their own.
  test.concurrent.for(STARTERS)("$name", async (starter, { expect }) => {
    const root = await mkdtemp(join(folder, "p-"));
    const project = join(root, "my-project");
    const directory = join(project, starter.app ?? "");
    await starter.make(project);
    const before = await contents(project);

    const startedMs = performance.now();
    const { id: projectId } = await velocity.api<{ id: string }>("POST", "/api/projects", {
      name: starter.name,
      directory,
    });
    const { session } = await velocity.api<Started>("POST", "/api/sessions/start", { projectId });
    const startMs = performance.now() - startedMs;
    const log = async () =>
      (await fetch(`http://127.0.0.1:${velocity.port}/api/sessions/${session.id}/logs`)).text();
    expect(session, await log()).toMatchObject({ state: "active", error: null });

    const context = await browser.newContext();
    const page = await context.newPage();
    const troubles = listen(page);
    await page.goto(session.url);
    await page.getByText(starter.shows).first().waitFor({ timeout: 60_000 });
    const pageMs = performance.now() - startedMs;
    await settled(page, starter);

    const savedMs = performance.now();
    await save(directory, starter, expect);
    if (starter.arrives === "next visit") await visitUntil(page, SAVED, expect);
    else await arrives(page, () => touch(join(directory, starter.edits)));
    const arrivedMs = performance.now() - savedMs;
    if (starter.arrives === "hot") expect(await page.evaluate("window.sameDocument")).toBe(true);
    // While a server starts again, the page that stands in for it says 503.
    if (starter.arrives !== "next visit") expect(troubles).toEqual([]);
    await context.close();
    await velocity.api("POST", `/api/sessions/${session.id}/terminate`);

    expect(await changes(project, before, starter)).toEqual([]);
    await rm(root, { recursive: true, force: true });
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`.padStart(7);
    report.push(
      `${starter.name.padEnd(36)} start ${seconds(startMs)}  page ${seconds(pageMs)}  save ${seconds(arrivedMs)}`,
    );
  });
});

/** What a person would see in red. */
function listen(page: Page): string[] {
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    const { url } = message.location();
    if (message.type() === "error" && !url.endsWith("/favicon.ico"))
      troubles.push(`${message.text()} ${url}`);
  });
  return troubles;
}

/** The page's own client has to be there before a save can arrive. */
async function settled(page: Page, starter: Starter): Promise<void> {
  await page.waitForLoadState("networkidle");
  if (starter.arrives === "hot") await page.evaluate("window.sameDocument = true");
}

/** A save before the page's hot-reload socket is open reaches nobody, with any dev server: then it is saved again. */
async function arrives(page: Page, saveAgain: () => Promise<void>): Promise<void> {
  const shown = page.getByText(SAVED).first();
  for (let tries = 0; tries < 4; tries++) {
    if (
      await shown.waitFor({ timeout: 8000 }).then(
        () => true,
        () => false,
      )
    )
      return;
    await saveAgain();
  }
  await shown.waitFor({ timeout: 8000 });
}

/** The same content, written anew. */
async function touch(file: string): Promise<void> {
  await writeFile(file, await readFile(file));
}

async function save(directory: string, starter: Starter, expect: ExpectStatic): Promise<void> {
  const file = join(directory, starter.edits);
  const text = await readFile(file, "utf8");
  expect(text).toContain(starter.shows);
  await writeFile(file, text.replace(starter.shows, SAVED));
}

async function visitUntil(page: Page, text: string, expect: ExpectStatic): Promise<void> {
  await expect
    .poll(
      async () => {
        await page.reload();
        return page.getByText(text).count();
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBeGreaterThan(0);
}

type Contents = ReadonlyMap<string, string>;

async function contents(project: string): Promise<Contents> {
  const entries = await readdir(project, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(project.length + 1);
    if (entry.isDirectory() || path.split("/").includes("node_modules")) continue;
    files.set(path, await readFile(join(project, path), "latin1"));
  }
  return files;
}

/** Files that are there, gone or different though neither the person nor the project's own tools did it. */
async function changes(project: string, before: Contents, starter: Starter): Promise<string[]> {
  const after = await contents(project);
  const edited = join(starter.app ?? "", starter.edits);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter(
    (path) =>
      path !== edited && before.get(path) !== after.get(path) && starter.toolsWrite?.test(path) !== true,
  );
}
