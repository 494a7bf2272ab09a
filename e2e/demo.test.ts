import { existsSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "./src/browser.ts";
import { startVelocity, type Velocity } from "./src/velocity.ts";

const DEMO = "550e8400-e29b-41d4-a716-446655440000";

describe.skipIf(!existsSync("/usr/bin/chromium"))("the demo, as a new user meets it", () => {
  let velocity: Velocity;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    [velocity, browser] = await Promise.all([startVelocity(), launchBrowser()]);
    page = await browser.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    await velocity?.[Symbol.asyncDispose]();
  });

  const preview = () => page.frameLocator('iframe[title="Preview"]');
  const sessions = async () =>
    (await velocity.api<{ items: { id: string; state: string }[] }>("GET", `/api/sessions?projectId=${DEMO}`))
      .items;

  test("Start shows the running app", async () => {
    await page.goto(`${velocity.pages}/demo/container-preview`);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await preview()
      .getByRole("heading", { name: "Welcome to Velocity Preview!" })
      .waitFor({ timeout: 60_000 });
  });

  test("the counter counts, and an edit through the API shows without a reload", async () => {
    await preview().getByRole("button", { name: "count is 0" }).click();
    await preview().getByRole("button", { name: "count is 1" }).waitFor();
    const path = `/api/projects/${DEMO}/files/src/App.jsx`;
    const source = await (await fetch(`http://127.0.0.1:${velocity.port}${path}`)).text();
    expect(source).toContain("Welcome to Velocity Preview!");
    await velocity.api("PUT", `/api/projects/${DEMO}/files`, {
      files: [
        { path: "src/App.jsx", content: source.replace("Welcome to Velocity Preview!", "Edited by API") },
      ],
    });
    await preview().getByRole("heading", { name: "Edited by API" }).waitFor();
    // component state lives only in the page: had it reloaded, the counter would say 0
    expect(await preview().getByRole("button", { name: "count is 1" }).count()).toBe(1);
  });

  test("Stop and Start give the same session, still serving", async () => {
    const [before] = await sessions();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect.poll(async () => (await sessions())[0]?.state).toBe("suspended");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect.poll(async () => (await sessions())[0]?.state).toBe("active");
    expect((await sessions())[0]?.id).toBe(before?.id);
    await preview().getByRole("button", { name: "count is 1" }).click();
    await preview().getByRole("button", { name: "count is 2" }).waitFor();
  });

  test("Start fresh gives another session", async () => {
    const before = (await sessions())[0]?.id;
    await page.getByRole("button", { name: "Start fresh", exact: true }).click();
    await preview().getByRole("button", { name: "count is 0" }).waitFor({ timeout: 60_000 });
    const active = (await sessions()).filter((session) => session.state === "active");
    expect(active).toHaveLength(1);
    expect(active[0]?.id).not.toBe(before);
  });

  test("no page error happened on the way", () => {
    expect(errors).toEqual([]);
  });
});
