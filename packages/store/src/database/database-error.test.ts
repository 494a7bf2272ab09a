import { VelocityError } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { toDatabaseError } from "./database-error.ts";

const failure = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);

describe("trouble with the database itself is database_unavailable, with its cause", () => {
  test.each([
    failure("connect ECONNREFUSED", { code: "ECONNREFUSED", syscall: "connect" }),
    failure("connect ENOENT /run/pg", { code: "ENOENT", syscall: "connect" }),
    failure("Connection terminated unexpectedly"),
    failure("timeout exceeded when trying to connect"),
    failure("Query read timeout"),
    failure("canceling statement due to statement timeout", { code: "57014" }),
    failure("terminating connection due to administrator command", { code: "57P01" }),
    failure("sorry, too many clients already", { code: "53300" }),
    failure("password authentication failed", { code: "28P01" }),
    Object.assign(new Error("unreachable"), { name: "RuntimeError" }),
  ])("$message", (error) => {
    const translated = toDatabaseError(error);
    expect(translated).toBeInstanceOf(VelocityError);
    expect(translated).toMatchObject({ code: "database_unavailable", cause: error });
  });
});

test("a full disk is disk_full", () => {
  expect(toDatabaseError(failure("could not extend file", { code: "53100" }))).toMatchObject({
    code: "disk_full",
  });
});

describe("everything else comes back as it was", () => {
  test.each([
    failure("duplicate key", { code: "23505" }),
    failure("syntax error", { code: "42601" }),
    failure("deadlock detected", { code: "40P01" }),
    failure("no such file", { code: "ENOENT", syscall: "open" }),
    new TypeError("x is not a function"),
    new VelocityError("not_found", "There is no such session."),
    "not an error",
  ])("%s", (error) => {
    expect(toDatabaseError(error)).toBe(error);
  });
});
