import { inspect } from "node:util";
import { VelocityError } from "@velocity/contract";
import { expect, test } from "vitest";
import { readConfig } from "./read-config.ts";

test("the defaults are those of the interface", () => {
  expect(readConfig({}, "/srv")).toEqual({
    host: "127.0.0.1",
    port: 4400,
    dataDir: "/srv/.velocity",
    databaseUrl: null,
    driver: "process",
    previewDomain: "velocity.localhost",
    publicUrl: null,
    auth: "none",
    poolSize: 1,
    networkMax: "full",
    gitHosts: [],
    editorOrigins: null,
    logLevel: "info",
  });
});

test("every wrong variable is named at once", () => {
  const read = () =>
    readConfig({ VELOCITY_PORT: "http", VELOCITY_DRIVER: "docker", VELOCITY_LOG: "loud" }, "/");
  expect(read).toThrow(VelocityError);
  expect(read).toThrow(/VELOCITY_PORT.*VELOCITY_DRIVER.*VELOCITY_LOG/);
});

test("trusted Git servers are a list of hosts with ports; anything else is refused", () => {
  const hosts = (text: string) => readConfig({ VELOCITY_GIT_HOSTS: text }, "/").gitHosts;
  expect(hosts("git.corp:3000, 10.0.0.5")).toEqual(["git.corp:3000", "10.0.0.5"]);
  expect(() => hosts("https://git.corp")).toThrow(/VELOCITY_GIT_HOSTS/);
});

test("an open address without sign-in is refused", () => {
  expect(() => readConfig({ VELOCITY_HOST: "0.0.0.0" }, "/")).toThrow(/without sign-in/);
  expect(() => readConfig({ VELOCITY_HOST: "::" }, "/")).toThrow(/without sign-in/);
  expect(readConfig({ VELOCITY_HOST: "::1" }, "/").host).toBe("::1");
});

test("a variable set to nothing counts as unset", () => {
  expect(readConfig({ VELOCITY_PORT: "", DATABASE_URL: "" }, "/").port).toBe(4400);
});

test("the database URL never prints", () => {
  const config = readConfig({ DATABASE_URL: "postgres://velocity:hunter2@db/velocity" }, "/");
  expect(JSON.stringify(config)).not.toContain("hunter2");
  expect(inspect(config)).not.toContain("hunter2");
  expect(`${config.databaseUrl}`).toBe("[redacted]");
  expect(config.databaseUrl?.reveal()).toContain("hunter2");
});
