/** Locks the folder given, says so, and holds on until it is killed or its stdin ends. Drops the lock object at once. */
import { spawn } from "node:child_process";
import { VelocityError } from "@velocity/contract";
import { lockDataDir } from "../data-dir/lock-data-dir.ts";

const [directory = "", childLifetime] = process.argv.slice(2);
try {
  await lockDataDir(directory);
  globalThis.gc?.();
  if (childLifetime !== undefined) {
    const child = spawn("sleep", [childLifetime], { detached: true, stdio: "ignore" });
    child.unref();
    process.stdout.write(`locked ${child.pid}\n`);
  } else process.stdout.write("locked\n");
} catch (error) {
  process.stdout.write(error instanceof VelocityError ? `${error.code}\n` : `${String(error)}\n`);
}
process.stdin.resume();
