import type { Driver } from "../ports/driver.ts";
import type { RouteResolution } from "../ports/routing.ts";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";

/** Where a session's traffic goes, from its row and its container's. Pure but for the driver's pure `endpoint`. */
export function resolveRoute(
  session: SessionRecord,
  container: ContainerRecord | null,
  driver: Pick<Driver, "endpoint">,
  probeGeneration?: number,
): RouteResolution {
  const { visibility, operation } = session;
  if (session.state === "terminated") {
    return session.error === null ? { kind: "missing" } : { kind: "failed", ...session.error };
  }
  if (operation?.kind === "terminating") return { kind: "missing" };
  // Before it is published a generation is shown to the probe only, and only its own.
  if (probeGeneration !== undefined) {
    return probeGeneration === session.generation && container !== null && container.ref !== null
      ? live(session, container, container.ref, driver)
      : { kind: "missing" };
  }
  switch (session.state) {
    case "pending":
      return { kind: "starting", visibility };
    case "suspended":
      return operation?.kind === "resuming" || operation?.kind === "replacing"
        ? { kind: "starting", visibility }
        : { kind: "asleep", level: session.level ?? "hibernated", visibility };
    case "active":
    case "disconnected":
      if (operation?.kind === "freezing") return { kind: "asleep", level: "frozen", visibility };
      if (operation?.kind === "hibernating") return { kind: "asleep", level: "hibernated", visibility };
      if (operation?.kind === "replacing") return { kind: "starting", visibility };
      return container === null || container.ref === null
        ? { kind: "starting", visibility }
        : live(session, container, container.ref, driver);
  }
}

function live(
  session: SessionRecord,
  container: ContainerRecord,
  ref: string,
  driver: Pick<Driver, "endpoint">,
): RouteResolution {
  const handle = { containerId: container.id, ref };
  return {
    kind: "live",
    containerId: container.id,
    generation: session.generation,
    app: driver.endpoint(handle, "app"),
    control: driver.endpoint(handle, "control"),
    visibility: session.visibility,
    port: (port) => driver.endpoint(handle, { port }),
  };
}
