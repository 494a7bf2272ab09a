import type { ContainerObservation, ContainerStatus } from "@velocity/core";
import { isSameProcessAlive } from "@velocity/sandbox";
import type { ContainerState } from "./container-state.ts";

/** What a container really is: its record, checked against the process that it names. */
export function observeState(state: ContainerState, bootId: string): ContainerObservation {
  return {
    containerId: state.containerId,
    ref: state.name,
    status: statusOf(state, bootId),
    labels: state.labels,
    createdAt: new Date(state.createdAt),
  };
}

export function statusOf(state: ContainerState, bootId: string): ContainerStatus {
  const alive = isRunning(state, bootId);
  switch (state.phase) {
    case "created":
    case "starting":
      return "created";
    case "running":
    case "suspended":
      return alive ? state.phase : "stopped";
    case "stopped":
    case "destroying":
      return "stopped";
  }
}

/** Whether the very process that was started still runs. */
export function isRunning(state: ContainerState, bootId: string): boolean {
  return state.process !== null && isSameProcessAlive(state.process, bootId);
}
