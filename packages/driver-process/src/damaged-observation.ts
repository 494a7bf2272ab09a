import { stat } from "node:fs/promises";
import { type ContainerId, LABELS } from "@velocity/contract";
import type { ContainerObservation } from "@velocity/core";
import { type DriverContext, pathsOf } from "./driver-context.ts";

/** A container whose record is lost: it is told of, with what its folder's name says, so that it can be destroyed. */
export async function damagedObservation(
  context: DriverContext,
  containerId: ContainerId,
): Promise<ContainerObservation> {
  const { folder } = pathsOf(context, { containerId });
  const made = await stat(folder).catch(() => null);
  return {
    containerId,
    ref: containerId,
    status: "stopped",
    labels: {
      [LABELS.service]: "preview",
      [LABELS.install]: context.options.installId,
      [LABELS.container]: containerId,
    },
    createdAt: made?.birthtime ?? new Date(0),
  };
}
