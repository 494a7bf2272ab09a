/** One line of the benchmark table. */
export interface BenchRow {
  /** Row of the performance design: `P6`. */
  readonly id: string;
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly unit: string;
  /** `ours / theirs`. */
  readonly ratio: number;
  /** As written in the design: `≥ 0.6×`. */
  readonly target: string;
  readonly pass: boolean;
  readonly note?: string;
}
