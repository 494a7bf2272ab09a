import type { BenchRow } from "./bench-row.ts";

const HEAD = ["id", "what", "ours", "theirs", "ratio", "target", "met"];

function cells(row: BenchRow): string[] {
  return [
    row.id,
    row.note === undefined ? row.what : `${row.what} (${row.note})`,
    `${number(row.ours)} ${row.unit}`,
    `${number(row.theirs)} ${row.unit}`,
    `${row.ratio.toFixed(2)}×`,
    row.target,
    row.pass ? "yes" : "no",
  ];
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Aligned columns for a terminal. */
export function textTable(rows: readonly BenchRow[]): string {
  const table = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** The same for the documentation. */
export function markdownTable(rows: readonly BenchRow[]): string {
  const line = (values: readonly string[]) => `| ${values.join(" | ")} |`;
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows.map((row) => line(cells(row)))].join("\n");
}
