/**
 * `npm run bench [-- P1 P6] [--write]`: runs the benchmark rows named (all without a name), each against its peer in the
 * same run, and prints the table. `--write` also puts it into docs/benchmarks.md.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import type { BenchRow } from "./src/bench-row.ts";
import { markdownTable, textTable } from "./src/table.ts";

const here = import.meta.dirname;
const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith("--")).map((arg) => arg.toUpperCase());

const files = (await readdir(here)).filter((name) => /^p\d+[a-z-]*\.ts$/.test(name)).sort(byNumber);
const rows: BenchRow[] = [];
for (const file of files) {
  const id = idOf(file);
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  process.stderr.write(`${id} …\n`);
  const module: { run(): Promise<BenchRow[]> } = await import(join(here, file));
  try {
    const measured = await module.run();
    rows.push(...measured);
    process.stderr.write(textTable(measured));
  } catch (error) {
    process.stderr.write(
      `${id} could not be measured: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}
process.stdout.write(`\n${textTable(rows)}`);

if (args.includes("--write")) {
  const path = join(here, "../docs/benchmarks.md");
  const page = await readFile(path, "utf8");
  const machine = `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.version}.`;
  const table = `<!-- table -->\n${machine}\n\n${markdownTable(rows)}\n<!-- /table -->`;
  await writeFile(path, page.replace(/<!-- table -->[\s\S]*<!-- \/table -->/, table));
}

function idOf(file: string): string {
  return (file.match(/^p\d+/)?.[0] ?? file).toUpperCase();
}

function byNumber(a: string, b: string): number {
  return Number(a.match(/\d+/)?.[0]) - Number(b.match(/\d+/)?.[0]);
}
