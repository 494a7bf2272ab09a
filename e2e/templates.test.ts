import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "./src/browser.ts";
import { startVelocity, type Velocity } from "./src/velocity.ts";

const TEMPLATES = readdirSync(resolve(import.meta.dirname, "../templates"));

interface Started {
  readonly session: { readonly id: string; readonly url: string; readonly error: unknown };
}

describe.skipIf(!existsSync("/usr/bin/chromium"))("every template, through the gateway", () => {
  let velocity: Velocity;
  let browser: Browser;
  beforeAll(async () => {
    [velocity, browser] = await Promise.all([
      startVelocity({ env: { VELOCITY_POOL_SIZE: "0" } }),
      launchBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await velocity?.[Symbol.asyncDispose]();
  });

  test.each(TEMPLATES)("%s: is served, works, and hot reload is connected", async (template) => {
    const { session } = await velocity.api<Started>("POST", "/api/sessions/start", {
      projectId: randomUUID(),
      template,
    });
    expect(session.error).toBeNull();
    const page = await browser.newPage();
    const sockets: string[] = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await page.goto(session.url, { timeout: 120_000 });
    await page.getByRole("heading", { name: "Welcome to Velocity Preview!" }).waitFor({ timeout: 60_000 });
    // A page rendered on the server shows its button before it listens to it.
    const counted = async () => {
      await page.getByRole("button", { name: /count is/ }).click();
      return page.getByRole("button", { name: /count is [1-9]/ }).count();
    };
    await expect.poll(counted, { timeout: 30_000 }).toBe(1);
    const host = new URL(session.url).host;
    await expect.poll(() => sockets.some((url) => new URL(url).host === host)).toBe(true);
    await page.close();
    await velocity.api("POST", `/api/sessions/${session.id}/terminate`);
  });
});
