import { openTestStore, type TestStore } from "@velocity/store/testing";
import {
  describeCore,
  findPostgres,
  type NewRig,
  type PostgresCluster,
  Rig,
  raceScenario,
  startPostgres,
} from "@velocity/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";

/** One store for a whole suite, emptied before each scenario, once nobody of the last one can write any more. */
function onOneStore(open: () => Promise<TestStore>): NewRig {
  let opened: TestStore | undefined;
  let last: Rig | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => {
    await last?.end();
    await opened?.store.close();
  });
  return async (settings, capabilities) => {
    if (opened === undefined) throw new Error("the store did not open");
    await last?.end();
    await opened.empty();
    last = new Rig(settings, capabilities, opened.store);
    return last;
  };
}

describe("embedded", () => {
  describeCore(
    "PGlite",
    onOneStore(() => openTestStore("memory")),
    { runs: 25 },
  );
});

const postgres = findPostgres();
if (postgres.kind === "missing") test.skip(`core on PostgreSQL: ${postgres.reason}`, () => {});
else
  describe("server", () => {
    let cluster: PostgresCluster | undefined;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster?.stop());
    let databaseUrl = "";
    let second: TestStore | undefined;
    const newRig = onOneStore(async () => {
      if (cluster === undefined) throw new Error("PostgreSQL did not start");
      databaseUrl = await cluster.createDatabase();
      return openTestStore({ databaseUrl });
    });
    beforeAll(async () => {
      second = await openTestStore({ databaseUrl });
    });
    afterAll(() => second?.store.close());
    describeCore("PostgreSQL", newRig, { runs: 25 });
    raceScenario(newRig, {
      rounds: 50,
      secondStore: () => {
        if (second === undefined) throw new Error("the second store did not open");
        return second.store;
      },
    });
  });
