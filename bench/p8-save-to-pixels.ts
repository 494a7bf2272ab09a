/// <reference lib="dom" />
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launchBrowser } from "@velocity/e2e/browser";
import { startVelocity } from "@velocity/e2e/velocity";
import type { Page } from "playwright-core";
import { bareProject, startBareVite } from "./src/bare-vite.ts";
import type { BenchRow } from "./src/bench-row.ts";
import { getWhenUp } from "./src/http.ts";
import { inTurn, median } from "./src/measure.ts";
import { startToModuleMs } from "./src/session.ts";

const FILE = "src/App.jsx";
const HEADING = "Welcome to Velocity Preview!";

/** P8: a save through the API until the page shows it, beside a save by hand with bare Vite. */
export async function run(): Promise<BenchRow[]> {
  const bare = await bareProject("react");
  const server = await startBareVite(bare.directory);
  await using velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0", VELOCITY_LOG: "error" } });
  const { started } = await startToModuleMs(velocity, { template: "react", module: "/src/main.jsx" });
  const { projectId } = await velocity.api<{ projectId: string }>(
    "GET",
    `/api/sessions/${started.session.id}`,
  );
  await getWhenUp(server.port, `127.0.0.1:${server.port}`, "/src/main.jsx");
  const source = await readFile(join(bare.directory, FILE), "utf8");

  const browser = await launchBrowser();
  const open = async (url: string) => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    return page;
  };
  const oursPage = await open(started.session.url);
  const theirsPage = await open(`http://127.0.0.1:${server.port}`);
  let count = 0;
  const measured = await inTurn(
    15,
    () =>
      savedToShown(oursPage, `ours ${count++}`, async (content) => {
        await velocity.api("PUT", `/api/projects/${projectId}/files`, { files: [{ path: FILE, content }] });
      }),
    () =>
      savedToShown(theirsPage, `theirs ${count++}`, (content) =>
        writeFile(join(bare.directory, FILE), content),
      ),
  );
  await browser.close();
  await server.stop();
  await bare.remove();

  const row = { ours: median(measured.ours), theirs: median(measured.theirs) };
  const pass = row.ours - row.theirs <= 15;
  return [
    {
      id: "P8",
      what: "save to changed page",
      ...row,
      unit: "ms",
      ratio: row.ours / row.theirs,
      target: "≤ +15 ms",
      pass,
    },
  ];

  async function savedToShown(
    page: Page,
    heading: string,
    save: (content: string) => Promise<void>,
  ): Promise<number> {
    // The page itself notes when it changed: a poll from outside would measure the poll.
    const shown = page.evaluate(
      (text) =>
        new Promise<number>((done) => {
          const look = () => {
            if (document.querySelector("h1")?.textContent !== text) return;
            observer.disconnect();
            done(performance.timeOrigin + performance.now());
          };
          const observer = new MutationObserver(look);
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
      heading,
    );
    // A round trip after the observer is set, so that it is there before the file changes.
    await page.evaluate(() => 0);
    const savedAt = performance.timeOrigin + performance.now();
    await save(source.replace(HEADING, heading));
    return (await shown) - savedAt;
  }
}
