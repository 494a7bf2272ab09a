import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { silentLog } from "@velocity/core";
import { findPostgres, type PostgresCluster, startPostgres } from "@velocity/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgres } from "./database/connect-postgres.ts";
import { ownerLease } from "./leases/owner-lease.ts";
import { openStore } from "./open-store.ts";
import { newSession } from "./testing/new-session.ts";

const log = silentLog;

/** Forwards to a Unix socket until told to fall silent, as a network that swallows packets does. */
class StallingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string) {
    this.#server = createServer((near) => {
      const far = connect(path);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => socket.destroy()).on("close", () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  stall(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const found = findPostgres();
if (found.kind === "missing") test.skip(`PostgreSQL: ${found.reason}`, () => {});
else
  describe("PostgreSQL", () => {
    let started: PostgresCluster | undefined;
    const cluster = () => {
      if (started === undefined) throw new Error("PostgreSQL did not start");
      return started;
    };
    beforeAll(async () => {
      started = await startPostgres();
    });
    afterAll(() => started?.stop());

    test("servers that start at once on an empty database migrate it once, and share one installation", async () => {
      const databaseUrl = await cluster().createDatabase();
      const stores = await Promise.all(Array.from({ length: 6 }, () => openStore({ databaseUrl }, { log })));
      const ids = await Promise.all(stores.map((store) => store.installId()));
      expect(new Set(ids).size).toBe(1);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("a database with a migration of a later build is refused", async () => {
      const databaseUrl = await cluster().createDatabase();
      const db = await connectPostgres(databaseUrl, log);
      await db.insertInto("velocity_migrations").values({ name: "9999-future" }).execute();
      await db.destroy();
      await expect(openStore({ databaseUrl }, { log })).rejects.toMatchObject({ code: "data_dir_newer" });
    });

    test("a server that cannot be reached, or a database that does not exist, is unavailable", async () => {
      const databaseUrl = await cluster().createDatabase();
      const proxy = new StallingProxy("/nowhere");
      const port = await proxy.listen();
      for (const wrong of [
        "postgres://postgres@127.0.0.1:1/x",
        "postgres://postgres@%2Fnowhere/x",
        `postgres://postgres@127.0.0.1:${port}/x`,
        databaseUrl.replace(/test_\w+$/, "missing"),
      ])
        await expect(openStore({ databaseUrl: wrong }, { log })).rejects.toMatchObject({
          code: "database_unavailable",
        });
      proxy.close();
    });

    test("of two servers only one holds a lease, until it is over or given back", async () => {
      const databaseUrl = await cluster().createDatabase();
      const open = () => openStore({ databaseUrl }, { log });
      const [one, two] = await Promise.all([open(), open()]);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? one : two).leases.acquire("cleanup", `server ${index}`, 60_000),
        ),
      );
      expect(answers.filter(Boolean)).toHaveLength(1);
      const holder = `server ${answers.indexOf(true)}`;
      expect(await two.leases.acquire("cleanup", holder, 60_000)).toBe(true);
      await two.leases.release("cleanup", "someone else");
      expect(await one.leases.acquire("cleanup", "next", 60_000)).toBe(false);
      await two.leases.release("cleanup", holder);
      expect(await one.leases.acquire("cleanup", "next", 0)).toBe(true);
      expect(await two.leases.acquire("cleanup", "after", 60_000)).toBe(true);
      await Promise.all([one.close(), two.close()]);
    });

    test("an operation is overdue when its owner's lease is over, not while it lasts or where there is none", async () => {
      const store = await openStore({ databaseUrl: await cluster().createDatabase() }, { log });
      const at = new Date();
      const deadlineAt = new Date(at.getTime() + 3_600_000);
      for (const owner of ["alive", "dead", "silent"]) {
        const operation = { kind: "starting", phase: "server", owner, startedAt: at, deadlineAt } as const;
        await store.sessions.insert(newSession({ operation }), "test");
      }
      await store.leases.acquire(ownerLease("alive"), "alive", 60_000);
      await store.leases.acquire(ownerLease("dead"), "dead", 0);
      const overdue = await store.sessions.findOverdue(at);
      expect(overdue.map((session) => session.operation?.owner)).toEqual(["dead"]);
      await store.close();
    });

    test("pruning deletes old events and keys, and nothing that is still of use", async () => {
      const store = await openStore({ databaseUrl: await cluster().createDatabase() }, { log });
      const now = new Date();
      const before = (days: number) => new Date(now.getTime() - days * 24 * 3_600_000);
      const { session } = await store.sessions.insert(newSession({ createdAt: before(9) }), "test");
      for (const days of [8, 6])
        await store.events.append(session.id, {
          type: "log",
          at: before(days).toISOString(),
          data: { days },
        });
      await store.idempotency.begin("old", session.userId, "x", before(2));
      await store.idempotency.begin("new", session.userId, "x", now);
      expect(await store.prune(now)).toEqual({ events: 2, idempotencyKeys: 1, leases: 0 });
      expect(await store.events.after(session.id, null, 10)).toMatchObject([{ data: { days: 6 } }]);
      expect(await store.prune(now)).toEqual({ events: 0, idempotencyKeys: 0, leases: 0 });
      await store.close();
    });

    test("while the server is away every call says so, and when it is back the same store works", async () => {
      const store = await openStore({ databaseUrl: await cluster().createDatabase() }, { log });
      const id = await store.installId();
      await cluster().crash();
      await expect(store.installId()).rejects.toMatchObject({ code: "database_unavailable" });
      await expect(store.ping(AbortSignal.timeout(5_000))).rejects.toMatchObject({
        code: "database_unavailable",
      });
      await cluster().restart();
      expect(await store.installId()).toBe(id);
      await store.close();
    });

    test("a server that falls silent fails the ping in time, and does not hold up the close", async () => {
      const url = new URL(await cluster().createDatabase());
      const proxy = new StallingProxy(`${decodeURIComponent(url.hostname)}/.s.PGSQL.5432`);
      const port = await proxy.listen();
      const store = await openStore(
        { databaseUrl: `postgres://postgres@127.0.0.1:${port}${url.pathname}` },
        { log },
      );
      try {
        await store.ping(AbortSignal.timeout(5_000));
        proxy.stall();
        await expect(store.ping(AbortSignal.timeout(200))).rejects.toMatchObject({
          code: "database_unavailable",
        });
        await store.close();
      } finally {
        proxy.close();
      }
    });
  });
