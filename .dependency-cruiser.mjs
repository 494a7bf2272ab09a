/** The import table of the architecture: who may import whom. Everything not listed is forbidden. */
const ALLOWED = {
  contract: [],
  core: ["contract"],
  store: ["core", "contract"],
  api: ["core", "contract"],
  sandbox: ["contract"],
  workspace: ["sandbox", "contract"],
  "driver-process": ["core", "contract", "sandbox", "workspace"],
  edge: ["contract"],
  gateway: ["edge", "contract"],
  agent: ["edge", "contract"],
  sdk: ["contract"],
  react: ["sdk", "contract"],
  testkit: ["core", "contract", "sandbox", "edge"],
};
/** Tests, and what only tests use. */
const TESTS = "(\\.test\\.tsx?|\\.fixture\\.ts|-harness\\.ts)$|/testing?/";

function packageRule([name, allowed]) {
  const may = [name, ...allowed].join("|");
  return {
    name: `imports-of-${name}`,
    comment: `packages/${name} may import only: ${allowed.join(", ") || "no package of ours"}`,
    severity: "error",
    from: { path: `^packages/${name}/`, pathNot: TESTS },
    to: { path: "^(packages|apps)/", pathNot: `^packages/(${may})/` },
  };
}

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    ...Object.entries(ALLOWED).map(packageRule),
    {
      name: "imports-of-web",
      severity: "error",
      from: { path: "^apps/web/", pathNot: TESTS },
      to: { path: "^(packages|apps)/", pathNot: "^(apps/web|packages/(react|sdk|contract))/" },
    },
    {
      name: "imports-of-server",
      comment: "the composition root takes the web build's node side, never its pages, and no test tool",
      severity: "error",
      from: { path: "^apps/server/", pathNot: TESTS },
      to: { path: "^(packages/testkit|apps/web/src/(?!build|serve))" },
    },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|fixtures)/" },
    parser: "swc",
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json"],
    },
  },
};
