import { expect, test } from "vitest";
import { egressSettings, parseNpmConfig, registryHosts } from "./npm-config.ts";

test("registries, scopes, proxy and certificates are what npm says they are", () => {
  const config = parseNpmConfig(
    JSON.stringify({
      registry: "https://npm.test/",
      "@acme:registry": "http://10.0.0.5:4873/acme/",
      "https-proxy": "http://proxy.test:3128",
      noproxy: ["a.test,b.test", ""],
      cafile: "/etc/ca.pem",
      "strict-ssl": true,
      userconfig: "/home/me/.npmrc",
    }),
  );
  expect(registryHosts(config)).toEqual([
    { host: "npm.test", port: 443 },
    { host: "10.0.0.5", port: 4873 },
  ]);
  expect(egressSettings(config).upstream).toEqual({
    url: "http://proxy.test:3128",
    except: ["a.test", "b.test"],
  });
  expect(config).toMatchObject({ cafile: "/etc/ca.pem", userConfig: "/home/me/.npmrc", globalConfig: null });
});

test("without npm, or with nonsense, nothing is allowed", () => {
  for (const text of ["", "nonsense", "[]", "{}", '{"registry":"file:///x"}'])
    expect(egressSettings(parseNpmConfig(text))).toEqual({ allowedHosts: [], upstream: null });
});
