import { existsSync } from "node:fs";
import { type SessionId, VelocityError } from "@velocity/contract";
import { type Browser, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Rig } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);
if (executablePath === undefined)
  process.stderr.write("waiting page: skipped, no Chromium on this machine\n");

let browser: Browser;
let rig: Rig;
let id: SessionId;
beforeAll(async () => {
  if (executablePath !== undefined)
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
}, 60_000);
afterAll(() => browser?.close());
beforeEach(async () => {
  rig = await Rig.start({ limits: { navigationHoldMs: 50 } });
  id = rig.id();
  rig.lookup.publish(id, { kind: "asleep", level: "hibernated", visibility: "public" });
});
afterEach(() => rig.close());

test.skipIf(executablePath === undefined)(
  "in a browser the waiting page turns into the app by itself",
  async () => {
    const gate = Promise.withResolvers<void>();
    rig.lookup.onWake = () => gate.promise;
    const app = await rig.app((_req, res) => {
      res.writeHead(200, { "content-type": "text/html" }).end("<h1>the app</h1>");
    });
    const page = await browser.newPage();
    try {
      const answer = await page.goto(`http://${rig.host(id)}/deep/path?x=1`);
      expect(answer?.status()).toBe(503);
      await page.getByText("Waking the preview…").waitFor();
      rig.lookup.publish(id, { kind: "starting", visibility: "public", phase: "server" });
      await page.getByText("Starting the dev server").waitFor();
      rig.lookup.publish(id, live(app.endpoint, { generation: 2 }));
      gate.resolve();
      await page.getByText("the app").waitFor();
      expect(page.url()).toContain("/deep/path?x=1");
      expect(rig.lookup.wakes.length).toBe(1);
    } finally {
      await page.close();
    }
  },
  60_000,
);

test.skipIf(executablePath === undefined)(
  "in a browser a failed wake says why, and Try again wakes again",
  async () => {
    const gate = Promise.withResolvers<void>();
    rig.lookup.onWake = () => gate.promise;
    const app = await rig.app((_req, res) => {
      res.writeHead(200, { "content-type": "text/html" }).end("<h1>the app</h1>");
    });
    const page = await browser.newPage();
    try {
      await page.goto(`http://${rig.host(id)}/`);
      gate.reject(
        new VelocityError("install_failed", "The dependencies of this project could not be installed."),
      );
      await page.getByText("The dependencies of this project could not be installed.").waitFor();
      await page.getByText("install_failed").waitFor();
      rig.lookup.onWake = async () => rig.lookup.publish(id, live(app.endpoint, { generation: 2 }));
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByText("the app").waitFor();
      expect(rig.lookup.wakes.length).toBe(2);
    } finally {
      await page.close();
    }
  },
  60_000,
);
