import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

/** Why the browser suites cannot run here; null: they can. */
export function browserMissing(): string | null {
  return existsSync(EXECUTABLE) ? null : `no Chromium at ${EXECUTABLE} (Debian: apt-get install chromium)`;
}

/** A headless browser that talks to nobody but the page under test. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
