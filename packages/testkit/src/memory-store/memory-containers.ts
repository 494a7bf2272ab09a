import type { ContainerId } from "@velocity/contract";
import type { ContainerRecord, ContainerStore } from "@velocity/core";
import { definedFields } from "./defined-fields.ts";

export function memoryContainers(yieldOnce: () => Promise<void>): ContainerStore {
  const containers = new Map<ContainerId, ContainerRecord>();
  const oldestFirst = () =>
    [...containers.values()].toSorted(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1),
    );

  return {
    async insert(container) {
      await yieldOnce();
      if (containers.has(container.id)) throw new Error("a container with this id is stored already");
      const record = { ...container, version: 1 };
      containers.set(container.id, record);
      return record;
    },

    async get(id) {
      await yieldOnce();
      return containers.get(id) ?? null;
    },

    async listLive() {
      await yieldOnce();
      return oldestFirst().filter((one) => one.status !== "destroyed");
    },

    async countByPoolKey() {
      await yieldOnce();
      const counts = new Map<string, { available: number; creating: number }>();
      for (const { poolKey, status } of containers.values()) {
        if (poolKey === null || (status !== "available" && status !== "creating")) continue;
        const count = counts.get(poolKey) ?? { available: 0, creating: 0 };
        count[status]++;
        counts.set(poolKey, count);
      }
      return counts;
    },

    async patch(id, version, patch) {
      await yieldOnce();
      const held = containers.get(id);
      if (held === undefined || held.version !== version) return { kind: "stale" };
      const record = { ...held, ...definedFields(patch), version: version + 1 };
      containers.set(id, record);
      return { kind: "written", record };
    },

    async claim(poolKey, to) {
      await yieldOnce();
      const held = oldestFirst().find((one) => one.poolKey === poolKey && one.status === "available");
      if (held === undefined) return null;
      const { sessionId, projectId, generation, at } = to;
      const record: ContainerRecord = {
        ...held,
        status: "assigned",
        sessionId,
        projectId,
        generation,
        claimedAt: at,
        version: held.version + 1,
      };
      containers.set(held.id, record);
      return record;
    },
  };
}
