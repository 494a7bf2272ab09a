import { readdir } from "node:fs/promises";
import { containerIdSchema } from "@velocity/contract";
import type { ContainerObservation, DriverCall } from "@velocity/core";
import { containersDir } from "./container-paths.ts";
import type { DriverContext } from "./driver-context.ts";
import { inspectContainer } from "./inspect.ts";

/** Everything that has a record, whatever its state. Throws the system's error rather than leave something out. */
export async function listContainers(
  context: DriverContext,
  call: DriverCall,
): Promise<readonly ContainerObservation[]> {
  call.signal.throwIfAborted();
  const found: ContainerObservation[] = [];
  for (const name of await readdir(containersDir(context.options.dataDir))) {
    const id = containerIdSchema.safeParse(name);
    if (!id.success || id.data !== name) continue;
    const seen = await inspectContainer(context, { containerId: id.data, ref: "" }, call);
    if (seen.status !== "gone") found.push(seen);
  }
  return found;
}
