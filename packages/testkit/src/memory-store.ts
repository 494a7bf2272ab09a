import { randomUUID } from "node:crypto";
import {
  type FileContent,
  type HistoryEntry,
  installIdSchema,
  type Page,
  type Project,
  type SessionEvent,
  type SessionId,
} from "@velocity/contract";
import type { ContainerRecord, SessionRecord, Store } from "@velocity/core";

interface StoredFile {
  readonly file: FileContent;
  readonly version: number;
  readonly deleted: boolean;
  readonly at: Date;
}

/**
 * A store in memory, with what core relies on: compare-and-set, one live persistent session per (project, user), claims,
 * versioned files, events in order. It checks no input and keeps no limits; those are tested on the real one by
 * `describeStore`. Every call yields once, so that races can happen.
 */
export function memoryStore(now: () => Date = () => new Date()): Store {
  const sessions = new Map<string, SessionRecord>();
  const containers = new Map<string, ContainerRecord>();
  const projects = new Map<string, Project>();
  const files = new Map<string, Map<string, StoredFile[]>>();
  const history: HistoryEntry[] = [];
  const events: { sessionId: SessionId; event: SessionEvent }[] = [];
  const idempotency = new Map<
    string,
    { fingerprint: string; answer: { status: number; body: string } | null }
  >();
  const installId = installIdSchema.parse(randomUUID());
  const yieldOnce = () => new Promise<void>((resolve) => setImmediate(resolve));

  const note = (
    session: SessionRecord,
    from: SessionRecord["state"] | null,
    reason: string,
    metadata: Record<string, unknown>,
  ) => {
    const at = now().toISOString();
    const { id, state, level, generation } = session;
    history.push({
      id: String(history.length + 1),
      sessionId: id,
      at,
      fromState: from,
      toState: state,
      level,
      generation,
      reason,
      metadata,
    });
    const event: SessionEvent = {
      id: String(events.length + 1),
      type: "state",
      at,
      data: { state, level, from, reason },
    };
    events.push({ sessionId: id, event });
  };
  const current = (id: string) =>
    [...(files.get(id)?.values() ?? [])].flatMap((versions) => {
      const last = versions.at(-1);
      return last === undefined || last.deleted ? [] : [last];
    });
  const write = (
    id: string,
    content: readonly FileContent[],
    deletes: readonly string[],
    version: number,
    at: Date,
  ) => {
    const own = files.get(id) ?? new Map<string, StoredFile[]>();
    files.set(id, own);
    const put = (file: FileContent, deleted: boolean) => {
      const versions = own.get(file.path) ?? [];
      versions.push({ file, version, deleted, at });
      own.set(file.path, versions);
    };
    for (const file of content) put({ ...file, encoding: file.encoding ?? "utf8" }, false);
    for (const path of deletes) if (own.has(path)) put({ path, content: "", encoding: "utf8" }, true);
  };

  return {
    sessions: {
      async insert(session, reason) {
        await yieldOnce();
        const other = [...sessions.values()].find(
          (one) =>
            one.mode === "persistent" &&
            session.mode === "persistent" &&
            one.state !== "terminated" &&
            one.projectId === session.projectId &&
            one.userId === session.userId,
        );
        if (other !== undefined) return { kind: "exists", session: other };
        const record = { ...session, version: 1 };
        sessions.set(session.id, record);
        note(record, null, reason, {});
        return { kind: "created", session: record };
      },
      async get(id) {
        await yieldOnce();
        return sessions.get(id) ?? null;
      },
      async findLive(projectId, userId) {
        await yieldOnce();
        return [...sessions.values()]
          .filter((one) => one.projectId === projectId && one.userId === userId && one.state !== "terminated")
          .toSorted((a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime());
      },
      async list(filter, page) {
        await yieldOnce();
        const found = [...sessions.values()]
          .filter(
            (one) =>
              (filter.projectId === undefined || one.projectId === filter.projectId) &&
              (filter.userId === undefined || one.userId === filter.userId) &&
              (filter.states === undefined || filter.states.includes(one.state)),
          )
          .reverse();
        return paged(found, page);
      },
      async findOverdue(at) {
        await yieldOnce();
        return [...sessions.values()].filter(
          (one) => one.operation !== null && one.operation.deadlineAt.getTime() <= at.getTime(),
        );
      },
      async patch(id, version, patch) {
        await yieldOnce();
        const held = sessions.get(id);
        if (held === undefined || held.version !== version) return { kind: "stale" };
        const record = { ...held, ...patch, version: version + 1 };
        sessions.set(id, record);
        return { kind: "written", record };
      },
      async transition(id, version, to, patch) {
        await yieldOnce();
        const held = sessions.get(id);
        if (held === undefined || held.version !== version) return { kind: "stale" };
        const record = { ...held, ...patch, state: to.state, level: to.level, version: version + 1 };
        sessions.set(id, record);
        note(record, held.state, to.reason, to.metadata ?? {});
        return { kind: "written", record };
      },
      async history(id, page) {
        await yieldOnce();
        return paged(
          history.filter((entry) => entry.sessionId === id),
          page,
        );
      },
      async touch(ids, at) {
        await yieldOnce();
        for (const id of ids) {
          const held = sessions.get(id);
          if (held !== undefined && held.state !== "terminated" && held.lastActivityAt < at)
            sessions.set(id, { ...held, lastActivityAt: at });
        }
      },
    },

    containers: {
      async insert(container) {
        await yieldOnce();
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
        return [...containers.values()].filter((one) => one.status !== "destroyed");
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
        const record = { ...held, ...patch, version: version + 1 };
        containers.set(id, record);
        return { kind: "written", record };
      },
      async claim(poolKey, to) {
        await yieldOnce();
        const held = [...containers.values()].find(
          (one) => one.poolKey === poolKey && one.status === "available",
        );
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
    },

    projects: {
      async create(project, content, at) {
        await yieldOnce();
        const held = projects.get(project.id);
        if (held !== undefined) return { kind: "exists", project: held };
        const version = content.length > 0 ? 1 : 0;
        const stamp = at.toISOString();
        const made: Project = { ...project, version, createdAt: stamp, updatedAt: stamp };
        projects.set(project.id, made);
        if (version > 0) write(project.id, content, [], version, at);
        return { kind: "created", project: made };
      },
      async get(id) {
        await yieldOnce();
        return projects.get(id) ?? null;
      },
      async findByDirectory(directory, ownerId) {
        await yieldOnce();
        return (
          [...projects.values()].find((one) => one.directory === directory && one.ownerId === ownerId) ?? null
        );
      },
      async list(filter, page) {
        await yieldOnce();
        const found = [...projects.values()].filter(
          (one) => filter.ownerId === undefined || one.ownerId === filter.ownerId,
        );
        return paged(found.reverse(), page);
      },
      async rename(id, name, at) {
        await yieldOnce();
        const held = projects.get(id);
        if (held === undefined) return null;
        const renamed = { ...held, name, updatedAt: at.toISOString() };
        projects.set(id, renamed);
        return renamed;
      },
      async remove(id) {
        await yieldOnce();
        files.delete(id);
        return projects.delete(id);
      },
      async files(id) {
        await yieldOnce();
        return current(id).map((stored) => stored.file);
      },
      async entries(id) {
        await yieldOnce();
        return current(id).map(({ file, version, at }) => ({
          path: file.path,
          size: file.content.length,
          version,
          updatedAt: at.toISOString(),
        }));
      },
      async file(id, path) {
        await yieldOnce();
        const last = files.get(id)?.get(path)?.at(-1);
        return last === undefined || last.deleted ? null : { ...last.file, version: last.version };
      },
      async versions(id, path) {
        await yieldOnce();
        return (files.get(id)?.get(path) ?? []).map(({ version, deleted, file, at }) => ({
          version,
          deleted,
          size: file.content.length,
          at,
        }));
      },
      async changesSince(id, version) {
        await yieldOnce();
        const newer = [...(files.get(id)?.values() ?? [])].flatMap((versions) => {
          const last = versions.at(-1);
          return last !== undefined && last.version > version ? [last] : [];
        });
        return {
          files: newer.filter((one) => !one.deleted).map((one) => one.file),
          deletes: newer.filter((one) => one.deleted).map((one) => one.file.path),
        };
      },
      async apply(id, change, at) {
        await yieldOnce();
        const held = projects.get(id);
        if (held === undefined) return { kind: "missing" };
        const { baseVersion } = change;
        if (baseVersion !== undefined) {
          const wanted = [...change.files.map((file) => file.path), ...change.deletes];
          const behind = wanted.some(
            (path) => (files.get(id)?.get(path)?.at(-1)?.version ?? 0) > baseVersion,
          );
          if (behind) return { kind: "conflict", version: held.version };
        }
        const version = held.version + 1;
        projects.set(id, { ...held, version, updatedAt: at.toISOString() });
        write(id, change.files, change.deletes, version, at);
        return { kind: "applied", version };
      },
    },

    events: {
      async append(sessionId, event) {
        await yieldOnce();
        const stored = { ...event, id: String(events.length + 1) };
        events.push({ sessionId, event: stored });
        return stored;
      },
      async after(sessionId, afterId, limit) {
        await yieldOnce();
        return events
          .filter((one) => one.sessionId === sessionId && Number(one.event.id) > Number(afterId ?? 0))
          .slice(0, limit)
          .map((one) => one.event);
      },
    },

    idempotency: {
      async begin(key, userId, fingerprint) {
        await yieldOnce();
        const held = idempotency.get(`${userId} ${key}`);
        if (held === undefined) {
          idempotency.set(`${userId} ${key}`, { fingerprint, answer: null });
          return { kind: "fresh" };
        }
        if (held.fingerprint !== fingerprint) return { kind: "mismatch" };
        return held.answer === null ? { kind: "busy" } : { kind: "done", ...held.answer };
      },
      async complete(key, userId, status, body) {
        await yieldOnce();
        const held = idempotency.get(`${userId} ${key}`);
        if (held !== undefined) held.answer = { status, body };
      },
      async abandon(key, userId) {
        await yieldOnce();
        idempotency.delete(`${userId} ${key}`);
      },
    },

    async installId() {
      return installId;
    },
    async ping() {},
    async close() {},
  };
}

function paged<T>(items: readonly T[], page: { readonly cursor?: string; readonly limit: number }): Page<T> {
  const from = page.cursor === undefined ? 0 : Number(page.cursor);
  const to = from + page.limit;
  return { items: items.slice(from, to), nextCursor: to < items.length ? String(to) : null };
}
