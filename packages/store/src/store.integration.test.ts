import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@velocity/core";
import { describeStore, findPostgres, type PostgresCluster, startPostgres } from "@velocity/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openStore } from "./open-store.ts";

describe("embedded", () => {
  let dataDir = "";
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "velocity-store-"));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));
  describeStore("PGlite", () => openStore({ dataDir }, { log: silentLog }));
});

const postgres = findPostgres();
if (postgres.kind === "missing") test.skip(`store on PostgreSQL: ${postgres.reason}`, () => {});
else
  describe("server", () => {
    let cluster: PostgresCluster | undefined;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster?.stop());
    describeStore("PostgreSQL", async () => {
      if (cluster === undefined) throw new Error("PostgreSQL did not start");
      return openStore({ databaseUrl: await cluster.createDatabase() }, { log: silentLog });
    });
  });
