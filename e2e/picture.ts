/**
 * Makes the picture of the README from the real page: `node e2e/picture.ts`. Starts Velocity by itself, on the default
 * port, so that the address in the picture is the one that a reader sees.
 */
import { join } from "node:path";
import { launchBrowser } from "./src/browser.ts";
import { startVelocity } from "./src/velocity.ts";

await using velocity = await startVelocity({ port: 4400 });
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
await page.goto(`${velocity.pages}/demo/container-preview`);
await page.getByRole("button", { name: "Start", exact: true }).click();
const counter = page.frameLocator('iframe[title="Preview"]').getByRole("button", { name: /count is/ });
await counter.click({ timeout: 60_000 });
await counter.click();
await page.getByRole("status", { name: "Session state" }).getByText("Running").waitFor();
await page.screenshot({ path: join(import.meta.dirname, "../docs/images/demo.png") });
await browser.close();
