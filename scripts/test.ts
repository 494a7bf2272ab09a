/**
 * Runs the stages of `npm test` in order, fast ones first, and prints the closing line `N passed, N failed[, N skipped]`.
 * Every stage runs even when an earlier one failed, so that one run shows everything that is wrong.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

type Stage =
  | { readonly name: string; readonly kind: "command"; readonly command: readonly string[] }
  | { readonly name: string; readonly kind: "vitest"; readonly project: string };

const node = process.execPath;
const STAGES: readonly Stage[] = [
  { name: "format", kind: "command", command: [node, "node_modules/@biomejs/biome/bin/biome", "check", "."] },
  {
    name: "types",
    kind: "command",
    command: [node, "node_modules/typescript/bin/tsc", "-p", "tsconfig.json"],
  },
  {
    name: "types-web",
    kind: "command",
    command: [node, "node_modules/typescript/bin/tsc", "-p", "tsconfig.web.json"],
  },
  {
    name: "architecture",
    kind: "command",
    command: [
      node,
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
      "--config",
      ".dependency-cruiser.mjs",
      "packages",
      "apps",
    ],
  },
  { name: "unit", kind: "vitest", project: "unit" },
  { name: "integration", kind: "vitest", project: "integration" },
  { name: "e2e", kind: "vitest", project: "e2e" },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STAGES.some((stage) => stage.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `No such stage: ${unknown.join(", ")}. Stages: ${STAGES.map((s) => s.name).join(", ")}\n`,
  );
  process.exit(2);
}

const scratch = await mkdtemp(join(tmpdir(), "velocity-test-"));
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const stage of STAGES) {
    if (wanted.length > 0 && !wanted.includes(stage.name)) continue;
    const startedAt = performance.now();
    process.stdout.write(`\n── ${stage.name}\n`);
    const tally = stage.kind === "command" ? await runCommand(stage.command) : await runVitest(stage.project);
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`── ${stage.name}: ${describe(tally)} in ${seconds} s\n`);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
process.stdout.write(`\n${describe(total)}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function describe(tally: Tally): string {
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

async function runCommand(command: readonly string[]): Promise<Tally> {
  const ok = (await run(command)) === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

async function runVitest(project: string): Promise<Tally> {
  const report = join(scratch, `${project}.json`);
  const exitCode = await run([
    node,
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const text = await readFile(report, "utf8").catch(() => null);
  if (text === null) return { passed: 0, failed: 1, skipped: 0 };
  const result: {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
  } = JSON.parse(text);
  // A suite that dies while it is collected has no failed test of its own; the exit code still counts.
  const failed = result.numFailedTests > 0 || exitCode === 0 ? result.numFailedTests : 1;
  return { passed: result.numPassedTests, failed, skipped: result.numPendingTests + result.numTodoTests };
}

function run(command: readonly string[]): Promise<number> {
  const [file = node, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: "inherit",
      env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? "1" : "0" },
    });
    child.on("error", () => resolve(1));
    child.on("close", (code) => resolve(code ?? 1));
  });
}
