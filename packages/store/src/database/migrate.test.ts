import { expect, test } from "vitest";
import { pendingMigrations } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";

const known = ["0001-a", "0002-b", "0003-c"].map((name) => ({ name, statements: [] }));

test("what did not run yet is pending, in order", () => {
  expect(pendingMigrations(["0001-a"], known).map((migration) => migration.name)).toEqual([
    "0002-b",
    "0003-c",
  ]);
  expect(pendingMigrations(["0003-c", "0001-a", "0002-b"], known)).toEqual([]);
});

test("a migration that this build does not know means a newer database", () => {
  expect(() => pendingMigrations(["0001-a", "0009-z"], known)).toThrow(
    expect.objectContaining({ code: "data_dir_newer" }),
  );
});

test("migrations are numbered without a gap", () => {
  expect(MIGRATIONS.map((migration) => migration.name.slice(0, 5))).toEqual(
    MIGRATIONS.map((_, index) => `${String(index + 1).padStart(4, "0")}-`),
  );
});
