import { access, constants } from "node:fs/promises";
import { VelocityError } from "@velocity/contract";
import type { DriverCall } from "@velocity/core";
import { containersDir } from "./container-paths.ts";
import type { DriverContext } from "./driver-context.ts";

/** The engine is this machine: it answers where containers' folders can be written and the agent is in its place. */
export async function pingEngine(context: DriverContext, call: DriverCall): Promise<void> {
  call.signal.throwIfAborted();
  try {
    await access(containersDir(context.options.dataDir), constants.W_OK);
    await access(context.options.runtimeDir, constants.W_OK);
    await access(context.options.nodePath, constants.X_OK);
    await access(context.options.agentBundle, constants.R_OK);
  } catch (cause) {
    throw new VelocityError("driver_unavailable", "Previews cannot be run on this machine right now.", {
      cause,
    });
  }
}
