import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LOCAL_USER_ID, type ProjectId, projectIdSchema, sessionIdSchema } from "@velocity/contract";
import { silentLog } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPglite } from "./database/connect-pglite.ts";
import { migrate } from "./database/migrate.ts";
import type { Tables } from "./database/tables.ts";
import { openStore } from "./open-store.ts";
import { newSession } from "./testing/new-session.ts";
import { spawnNode } from "./testing/spawn-node.ts";

const run = promisify(execFile);
const log = silentLog;
const newProject = (id: ProjectId) => ({
  id,
  name: "A project",
  ownerId: LOCAL_USER_ID,
  source: "files" as const,
  template: null,
  directory: null,
});
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "velocity-embedded-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a second server on the same folder is refused, and the folder is free again after close", async () => {
  const dataDir = join(folder, "shared");
  const store = await openStore({ dataDir }, { log });
  const id = await store.installId();
  await expect(openStore({ dataDir }, { log })).rejects.toMatchObject({ code: "data_dir_locked" });
  await store.close();
  await store.close();
  const again = await openStore({ dataDir }, { log });
  expect(await again.installId()).toBe(id);
  await again.close();
});

test("what was committed before a kill -9 is there afterwards", async () => {
  const dataDir = join(folder, "killed");
  const store = await openStore({ dataDir }, { log });
  const sessionId = sessionIdSchema.parse(randomUUID());
  const projectId = projectIdSchema.parse(randomUUID());
  await store.sessions.insert(newSession({ id: sessionId, projectId }), "test");
  await store.projects.create(newProject(projectId), [], new Date());
  await store.close();

  let committed = 1;
  for (const commits of [3, 60, 17]) {
    const writer = spawnNode("write-until-killed.ts", [dataDir, sessionId, projectId]);
    let last: string | null = null;
    try {
      for (let count = 0; count < commits; count++) last = await writer.line();
    } finally {
      await writer.kill();
    }
    // Lines that it printed and nobody has read yet were committed too.
    for (let line = await writer.line(); line !== null; line = await writer.line()) last = line;
    const [sessionVersion = "", projectVersion = "", content = ""] = last?.split(" ") ?? [];

    const reopened = await openStore({ dataDir }, { log });
    try {
      const session = await reopened.sessions.get(sessionId);
      expect(session?.version).toBeGreaterThanOrEqual(Number(sessionVersion));
      expect(session?.version).toBeGreaterThanOrEqual(committed + commits);
      const history = await reopened.sessions.history(sessionId, { limit: 100_000 });
      expect(history.items).toHaveLength(session?.version ?? 0);
      const versions = await reopened.projects.versions(projectId, "file.txt");
      const head = versions[0]?.version ?? 0;
      expect(head).toBe((await reopened.projects.get(projectId))?.version);
      // One change may have been committed whose line was never written.
      expect([Number(projectVersion), Number(projectVersion) + 1]).toContain(head);
      const file = await reopened.projects.file(projectId, "file.txt");
      expect(file?.content).toHaveLength(36 * 500);
      if (head === Number(projectVersion)) expect(file?.content.slice(0, 36)).toBe(content);
      committed = session?.version ?? 0;
    } finally {
      await reopened.close();
    }
  }
});

test("a folder whose database is damaged is refused as unusable, and stays free to be repaired", async () => {
  const dataDir = join(folder, "damaged");
  await (await openStore({ dataDir }, { log })).close();
  await writeFile(join(dataDir, "database", "data", "global", "pg_control"), "nonsense");
  await expect(openStore({ dataDir }, { log })).rejects.toMatchObject({ code: "data_dir_unusable" });
  await expect(openStore({ dataDir }, { log })).rejects.toMatchObject({ code: "data_dir_unusable" });
});

const mayMount = process.platform === "linux" && process.getuid?.() === 0;
const whyNot = mayMount ? "" : " (left out: a small disk needs root on Linux)";
test.skipIf(!mayMount)(
  `a full disk is said, loses nothing, and is over when there is space again${whyNot}`,
  async () => {
    const disk = await mkdtemp(join(folder, "disk-"));
    await run("mount", ["-t", "tmpfs", "-o", "size=70m", "velocity-test", disk]);
    try {
      const store = await openStore({ dataDir: disk }, { log });
      try {
        const projectId = projectIdSchema.parse(randomUUID());
        const fill = (content: string) =>
          store.projects.apply(
            projectId,
            { files: [{ path: "fill", content, encoding: "base64" }], deletes: [] },
            new Date(),
          );
        await store.projects.create(newProject(projectId), [], new Date());
        let applied = 1;
        const overflow = (async () => {
          for (; applied < 200; applied++) await fill(randomBytes(600_000).toString("base64"));
        })();
        await expect(overflow).rejects.toMatchObject({ code: "disk_full" });
        expect((await store.projects.get(projectId))?.version).toBe(applied);
        await run("mount", ["-o", "remount,size=140m", disk]);
        expect(await fill("AAAA")).toEqual({ kind: "applied", version: applied + 1 });
      } finally {
        await store.close();
      }
    } finally {
      await run("umount", [disk]);
    }
  },
);

describe("one connection", () => {
  let db: Kysely<Tables> | undefined;
  const database = () => {
    if (db === undefined) throw new Error("the database did not open");
    return db;
  };
  beforeAll(async () => {
    db = await connectPglite(join(folder, "direct"), log);
  });
  afterAll(() => db?.destroy());
  const leases = async () => (await database().selectFrom("leases").select("name").execute()).length;

  test("a query during a transaction waits for its end and never becomes part of it", async () => {
    const order: string[] = [];
    const expires_at = new Date();
    let outside: Promise<unknown> | undefined;
    await expect(
      database()
        .transaction()
        .execute(async (tx) => {
          await tx.insertInto("leases").values({ name: "inside", owner: "a", expires_at }).execute();
          outside = database()
            .insertInto("leases")
            .values({ name: "outside", owner: "a", expires_at })
            .execute()
            .then(() => order.push("outside"));
          await tx.selectFrom("leases").selectAll().execute();
          order.push("inside");
          throw new Error("roll back");
        }),
    ).rejects.toThrow("roll back");
    await outside;
    expect(order).toEqual(["inside", "outside"]);
    expect(await database().selectFrom("leases").select("name").execute()).toEqual([{ name: "outside" }]);
  });

  test("many transactions at once, failing ones among them, all end, and only the good ones count", async () => {
    const before = await leases();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        database()
          .transaction()
          .execute(async (tx) => {
            const name = `many-${index}`;
            await tx.insertInto("leases").values({ name, owner: "a", expires_at: new Date() }).execute();
            if (index % 3 === 0) await sql`select 1 / 0`.execute(tx);
            if (index % 3 === 1) throw new Error("mine");
          }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(13);
    expect(await leases()).toBe(before + 13);
  });

  test("a database with a migration of a later build is refused", async () => {
    await database().insertInto("velocity_migrations").values({ name: "9999-future" }).execute();
    await expect(migrate(database())).rejects.toMatchObject({ code: "data_dir_newer" });
    await database().deleteFrom("velocity_migrations").where("name", "=", "9999-future").execute();
    expect(await migrate(database())).toEqual([]);
  });

  test("after close every query fails at once, in a transaction too", async () => {
    await database().destroy();
    await expect(leases()).rejects.toThrow();
    await expect(
      database()
        .transaction()
        .execute(async () => {}),
    ).rejects.toThrow();
  });
});
