import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);
const TIMEOUT_MS = 120_000;

/**
 * Runs a small program of the operating system and gives its output. For work over tens of thousands of files, which would
 * hold up everything else in this process.
 */
export async function runTool(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execFileAsync(program, [...args], { timeout: TIMEOUT_MS, maxBuffer: 1 << 20 });
  return stdout;
}
