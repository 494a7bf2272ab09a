import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEMO_PROJECT_ID } from "@velocity/contract";
import { type ApiDouble, newProject, startApiDouble } from "@velocity/sdk/testing";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildWeb } from "../node/build.ts";
import { serveWeb, type WebHandler } from "../node/serve.ts";
import { browserMissing, launchChromium } from "./chromium.ts";

const COUNTER = `<!doctype html><title>App</title>
  <button onclick="this.textContent = 'count is ' + ++window.count">count is 0</button>
  <script>window.count = 0; document.body.dataset.origin = location.origin; localStorage.setItem("a", "b")</script>`;
const DEMO = "/demo/container-preview";

const missing = browserMissing();
if (missing !== null) process.stderr.write(`pages in a browser: skipped, ${missing}\n`);

describe.skipIf(missing !== null)("pages in a browser", () => {
  let cacheDir: string;
  let dir: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let api: ApiDouble;
  let complaints: string[];

  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), "velocity-pages-"));
    ({ dir } = await buildWeb({ cacheDir }));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(cacheDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    let web: WebHandler | null = null;
    api = await startApiDouble({
      web: async (request) => web?.(request) ?? new Response(null, { status: 503 }),
      previewHtml: () => COUNTER,
    });
    web = serveWeb(dir, { previewDomain: "velocity.localhost", port: api.port });
    context = await browser.newContext();
    page = await context.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
    });
  });
  afterEach(async () => {
    await context.close();
    await api.close();
    expect(complaints, "errors on the page").toEqual([]);
  });

  const open = (path: string) => page.goto(`http://velocity.localhost:${api.port}${path}`);
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const state = (text: string) =>
    page.getByRole("status", { name: "Session state" }).getByText(text).waitFor();
  const preview = () => page.frameLocator("iframe[title='Preview']");
  const starts = () => api.requests.filter((one) => one.line.endsWith("/start")).length;

  test("the demo starts with live steps, and its page goes on untouched after stop and start", async () => {
    const installed = Promise.withResolvers<void>();
    api.script = {
      phases: {
        queued: 1,
        project: 2,
        container: 5,
        files: 5,
        dependencies: installed.promise,
        server: 50,
        probe: 3,
        publish: 1,
      },
    };
    await open(DEMO);
    await state("Not started");
    await button("Start").click();
    await page.getByText("Installing dependencies").waitFor();
    installed.resolve();
    await state("Running");
    await preview().getByRole("button").click();
    await preview().getByRole("button").click();
    await preview().getByText("count is 2").waitFor();
    const steps = await page
      .getByRole("region", { name: "Last start" })
      .getByRole("listitem")
      .allInnerTexts();
    expect(steps.map((step) => step.split("\n")[0])).toEqual([
      "Queue",
      "Project",
      "Container",
      "Files",
      "Dependencies",
      "Dev server",
      "Probe",
      "Publish",
    ]);
    expect(steps[5]).toContain("50 ms");
    await button("Stop").click();
    await state("Stopped");
    expect(await page.locator("iframe[title='Preview']").getAttribute("inert")).toBe("");
    await button("Start").click();
    await state("Running");
    await preview().getByText("count is 2").waitFor();
    await button("Stop").click();
    await button("Continue").click();
    await state("Running");
    await preview().getByText("count is 2").waitFor();
    expect(api.requests.filter((one) => one.line.endsWith("/events"))).toHaveLength(1);
  });

  test("the preview has an origin and storage of its own and may not replace the page", async () => {
    await open(DEMO);
    await button("Start").click();
    await preview().getByRole("button").waitFor();
    const frame = page.locator("iframe[title='Preview']");
    const [session] = api.sessions.values();
    expect(await preview().locator("body").getAttribute("data-origin")).toBe(session?.url);
    expect(await frame.getAttribute("sandbox")).not.toContain("top-navigation");
  });

  test("start fresh gives another session with a new page", async () => {
    await open(DEMO);
    await button("Start").click();
    await preview().getByRole("button").click();
    await preview().getByText("count is 1").waitFor();
    await button("Start fresh").click();
    await preview().getByText("count is 0").waitFor();
    expect(api.sessions.size).toBe(2);
  });

  test("a start that fails shows code, message, advice and log, and can be tried again", async () => {
    api.script = {
      phases: { container: 5, dependencies: 5 },
      failIn: {
        phase: "dependencies",
        code: "install_failed",
        message: "The project's dependencies could not be installed.",
        log: ["npm error code ETARGET"],
      },
    };
    await open(DEMO);
    await button("Start").click();
    const alert = page.getByRole("alert");
    await alert.getByText("The project's dependencies could not be installed.").waitFor();
    await alert.getByText("npm error code ETARGET").waitFor();
    await alert.getByText("install_failed").waitFor();
    await alert.getByText("Correct package.json or the lockfile").waitFor();
    await state("Failed");
    api.script = { phases: {} };
    await button("Try again").click();
    await preview().getByText("count is 0").waitFor();
  });

  test("a project that does not run is named beside its page, with its lines, and can be restarted", async () => {
    await open(DEMO);
    await button("Start").click();
    await preview().getByRole("button").click();
    const [id = ""] = api.sessions.keys();
    api.breakProject(id, {
      code: "server_exited",
      message: "The dev server exited with code 3.",
      log: ["boom: no config"],
    });
    await state("Needs attention");
    const alert = page.getByRole("alert");
    await alert.getByText("The dev server exited with code 3.").waitFor();
    await alert.getByText("Last lines").click();
    await alert.getByText("boom: no config").waitFor();
    await preview().getByText("count is 1").waitFor();
    await button("Restart the dev server").click();
    const restart = `POST /api/sessions/${id}/restart`;
    await expect.poll(() => api.requests.some((one) => one.line === restart)).toBe(true);
  });

  test("a session that ends elsewhere is said to have ended, and Start makes another", async () => {
    await open(DEMO);
    await button("Start").click();
    await preview().getByText("count is 0").waitFor();
    const [id = ""] = api.sessions.keys();
    api.moveTo(id, "terminated", "someone else");
    await state("Ended");
    expect(await page.locator("iframe").count()).toBe(0);
    await button("Start").click();
    await preview().getByText("count is 0").waitFor();
    expect(api.sessions.size).toBe(2);
  });

  test("a session that runs already is shown at once, without a start", async () => {
    await open(DEMO);
    await button("Start").click();
    await state("Running");
    await page.reload();
    await state("Running");
    await preview().getByText("count is 0").waitFor();
    expect(starts()).toBe(1);
  });

  test("while the server is away the page says so and keeps the preview; then it goes on", async () => {
    await open(DEMO);
    await button("Start").click();
    await preview().getByRole("button").click();
    await api.down();
    await page.getByText("Trying to reconnect").waitFor();
    await preview().getByText("count is 1").waitFor();
    await api.up();
    await page.getByText("Trying to reconnect").waitFor({ state: "detached" });
    await button("Stop").click();
    await state("Stopped");
  });

  test("log lines arrive live, as plain text", async () => {
    await open(DEMO);
    await button("Start").click();
    const log = page.getByRole("log");
    await log.getByText("➜  Local: http://localhost:5173/").waitFor();
    const [id = ""] = api.sessions.keys();
    api.log(id, { source: "server", stream: "stderr", text: "\u001b[31m<b>page reload</b>\u001b[39m" });
    await log.getByText("<b>page reload</b>", { exact: true }).waitFor();
  });

  test("everything can be done with the keyboard alone", async () => {
    await open(DEMO);
    await state("Not started");
    await button("Start").focus();
    await page.keyboard.press("Enter");
    await state("Running");
    expect(await button("Start").evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    expect(starts()).toBe(1);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await state("Stopped");
  });

  test("home lists projects with what they do, and makes one that starts by itself", async () => {
    api.projects.push(newProject("Demo", "react", DEMO_PROJECT_ID), newProject("Shop", "vue"));
    api.templates.push({ id: "react", title: "React", description: "React with Vite", framework: "react" });
    api.templates.push({ id: "vue", title: "Vue", description: "Vue with Vite", framework: "vue" });
    await open("/");
    const list = page.getByRole("region", { name: "Projects" });
    await list.getByRole("link", { name: /Shop/ }).getByText("Not started").waitFor();
    expect(await list.getByRole("link", { name: /Demo/ }).getAttribute("href")).toBe(DEMO);
    await page.getByRole("radio", { name: /Vue/ }).check({ force: true });
    await page.getByRole("textbox", { name: "Name" }).fill("Checkout");
    await button("Create project").click();
    await page.getByRole("heading", { name: "Checkout" }).waitFor();
    await preview().getByText("count is 0").waitFor();
    await page.goBack();
    await list
      .getByRole("link", { name: /Checkout/ })
      .getByText("Running")
      .waitFor();
  });

  test("home without projects says what to do", async () => {
    await open("/");
    await page.getByText("No projects yet.").waitFor();
    await page.getByText("npm start -- ./my-app").waitFor();
    await page.getByRole("link", { name: "open the demo" }).click();
    await page.getByRole("heading", { name: "Container preview" }).waitFor();
  });

  test("home that cannot be loaded says why and tries again when asked", async () => {
    api.intercept("GET /api/projects", (response) => {
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ code: "unauthorized", detail: "This server wants a key." }));
    });
    await open("/");
    await page.getByText("This server wants a key.").waitFor();
    await button("Try again").click();
    await page.getByText("No projects yet.").waitFor();
  });

  test("an address that does not exist is a real 404 with a way back", async () => {
    expect((await open("/nope"))?.status()).toBe(404);
    await page.getByRole("heading", { name: "There is no page at this address." }).waitFor();
    await page.getByRole("link", { name: "See all projects" }).click();
    await page.getByRole("heading", { name: "Your projects, running." }).waitFor();
    await open(`/project/${crypto.randomUUID()}`);
    await page.getByRole("heading", { name: "There is no project with this id." }).waitFor();
  });

  test.each([360, 1280])("nothing is wider than a screen of %d px", async (width) => {
    await page.setViewportSize({ width, height: 780 });
    api.projects.push({
      ...newProject("A name as long as names may be, with no end in sight".repeat(2), "react"),
    });
    for (const path of ["/", DEMO, "/nope"]) {
      await open(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });
});
