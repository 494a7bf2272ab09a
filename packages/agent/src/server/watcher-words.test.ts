import { expect, test } from "vitest";
import { saysProgramEnded } from "./watcher-words.ts";

test.each([
  "Failed running 'server.js'. Waiting for file changes before restarting...",
  "Completed running 'src/a b.js'. Waiting for file changes before restarting...",
  "[nodemon] app crashed - waiting for file changes before starting...",
  "[nodemon] clean exit - waiting for changes before restart",
])("%s", (line) => {
  expect(saysProgramEnded(line)).toBe(true);
});

test.each(["Failed running migrations", "waiting for file changes", "Restarting 'server.js'", ""])(
  "not: %s",
  (line) => {
    expect(saysProgramEnded(line)).toBe(false);
  },
);
