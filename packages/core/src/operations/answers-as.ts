import type { CoreContext } from "../context.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import { bounded } from "./destroy-container.ts";

const IDENTITY_MS = 3_000;

/** Whether the container behind a handle is up and is this session's current generation. */
export async function answersAs(
  core: CoreContext,
  handle: ContainerHandle,
  session: { readonly id: string; readonly generation: number },
): Promise<boolean> {
  try {
    const at = core.driver.endpoint(handle, "control");
    const identity = await bounded(core, (signal) => core.agent.identity(at, signal), IDENTITY_MS);
    return (
      identity.containerId === handle.containerId &&
      identity.sessionId === session.id &&
      identity.generation === session.generation
    );
  } catch {
    return false;
  }
}
