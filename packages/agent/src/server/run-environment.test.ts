import { expect, test } from "vitest";
import { runEnvironment } from "./run-environment.ts";

const input = {
  base: { PATH: "/usr/bin", HOME: "/h", VELOCITY_AGENT_CONFIG: "/c", NODE_OPTIONS: "--base" },
  own: { A: "1" },
  cwd: "/w/app",
  nodeDir: "/node/bin",
  proxyUrl: null,
  proxyBy: "preload" as const,
  preload: { path: '/a b/"x/preload.cjs', socketDir: "/s", port: 5173 },
};

test("the project's programs come first, then our Node; the agent's own settings stay its own", () => {
  const env = runEnvironment(input);
  expect(env.PATH).toBe(
    "/w/app/node_modules/.bin:/w/node_modules/.bin:/node_modules/.bin:/node/bin:/usr/bin",
  );
  expect(env).toMatchObject({
    A: "1",
    HOME: "/h",
    BROWSER: "none",
    NO_COLOR: "1",
    VELOCITY_APP_PORT: "5173",
  });
  expect(env.VELOCITY_AGENT_CONFIG).toBeUndefined();
  expect(env.NODE_OPTIONS).toBe('--base --require="/a b/\\"x/preload.cjs"');
  expect(env.HTTP_PROXY).toBeUndefined();
});

test("a project that wants colours keeps them", () => {
  expect(runEnvironment({ ...input, own: { FORCE_COLOR: "1" } }).NO_COLOR).toBeUndefined();
});

test("Node learns of the proxy at start only where a start is not waited for", () => {
  const proxied = { ...input, proxyUrl: "http://127.0.0.1:1" };
  const server = runEnvironment(proxied);
  expect(server).toMatchObject({ HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "localhost,127.0.0.1,::1" });
  expect(server).toMatchObject({ VELOCITY_LAZY_PROXY: "1" });
  expect(server.NODE_USE_ENV_PROXY).toBeUndefined();
  const install = runEnvironment({ ...proxied, proxyBy: "node", preload: null });
  expect(install.NODE_USE_ENV_PROXY).toBe("1");
  expect(install.NODE_OPTIONS).toBe("--base");
});
