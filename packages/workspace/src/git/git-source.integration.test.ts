import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type GitSource, gitSourceSchema, VelocityError } from "@velocity/contract";
import { detectSandbox, type NamespaceSupport, removeTree } from "@velocity/sandbox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type GitServer, openGitServer } from "../test/git-server.ts";
import { createGitSource, type GitFetcher, type GitSourceOptions } from "./create-git-source.ts";

const TIMEOUT_MS = 60_000;
/** The repository's own agent, by path: this package may not import it. */
const AGENT = pathToFileURL(join(import.meta.dirname, "../../../agent/src/bundle.ts")).href;
const bundleSchema = z.object({
  bundleAgent: z.custom<(options: { cacheDir: string }) => Promise<{ dir: string }>>(
    (value) => typeof value === "function",
  ),
});

let folder: string;
let agentDir: string;
let server: GitServer;
let support: NamespaceSupport | null;
const fetchers: GitFetcher[] = [];
const refused: string[] = [];
const skipped: unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vw-gs-"));
  await chmod(folder, 0o711);
  const loaded: unknown = await import(AGENT);
  agentDir = (
    await bundleSchema.parse({ ...Object(loaded) }).bundleAgent({ cacheDir: join(folder, "bundles") })
  ).dir;
  const found = await detectSandbox();
  support = found.namespaces;
  if (support === null) process.stderr.write(`git runs without a sandbox: ${found.advice[0]}\n`);
  server = await openGitServer();
}, TIMEOUT_MS);

afterAll(async () => {
  await server.close();
  await removeTree(folder);
});

afterEach(async () => {
  await Promise.all(fetchers.splice(0).map((one) => one.close()));
  refused.length = 0;
  skipped.length = 0;
});

/** `options` are besides a trusted test server and the sandbox of this machine. */
function open(options: Partial<GitSourceOptions> = {}): GitFetcher {
  const made = createGitSource({
    support,
    workDir: join(folder, "work"),
    runtimeDir: join(folder, "run"),
    nodePath: process.execPath,
    agentDir,
    allowPrivateHosts: [server.host],
    onRefused: (target) => refused.push(target),
    onSkipped: (facts) => skipped.push(facts),
    ...options,
  });
  fetchers.push(made);
  return made;
}

const source = (repository: string, more: Partial<GitSource> = {}): GitSource =>
  gitSourceSchema.parse({ url: `http://${server.host}/${repository}/.git`, ...more });

async function paths(work: Promise<readonly { path: string }[]>): Promise<string[]> {
  return (await work).map(({ path }) => path);
}

async function failure(work: Promise<unknown>): Promise<VelocityError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VelocityError)) throw new Error("no VelocityError", { cause: error });
  return error;
}

describe.each([["in the sandbox"], ["as a plain child"]])("%s", (where) => {
  const here = (options: Partial<GitSourceOptions> = {}) =>
    open(where === "in the sandbox" ? options : { ...options, support: null });

  test("default branch, branch, tag, commit and a folder; text stays text, bytes stay bytes", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const name = where.replaceAll(" ", "-");
    const bytes = Buffer.from([0, 255, 1]);
    const first = await server.commit(name, { "a.txt": "one\n", "app/src/main.js": "1", "logo.png": bytes });
    await server.git(name, "tag", "--annotate", "v1", "--message", "v1");
    await server.git(name, "branch", "feature/old");
    await server.commit(name, { "a.txt": "two\n", "new.txt": "" });
    const git = here();
    expect(await git.fetch(source(name))).toEqual([
      { path: "a.txt", content: "two\n", encoding: "utf8" },
      { path: "app/src/main.js", content: "1", encoding: "utf8" },
      { path: "logo.png", content: bytes.toString("base64"), encoding: "base64" },
      { path: "new.txt", content: "", encoding: "utf8" },
    ]);
    for (const ref of ["v1", "feature/old", first])
      expect((await git.fetch(source(name, { ref })))[0]).toMatchObject({ path: "a.txt", content: "one\n" });
    expect(await paths(git.fetch(source(name, { directory: "app" })))).toEqual(["src/main.js"]);
    expect(await readdir(join(folder, "work"))).toEqual([]);
  });

  test("a private address is refused unless the operator trusts it, and the server hears nothing", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const before = server.requests.length;
    const git = here({ allowPrivateHosts: [] });
    const port = server.host.split(":")[1];
    for (const host of [server.host, `localhost:${port}`, `[::1]:${port}`, "169.254.169.254", "2130706433"]) {
      const error = await failure(git.fetch(gitSourceSchema.parse({ url: `http://${host}/x.git` })));
      expect(error).toMatchObject({
        code: "git_failed",
        publicMessage: expect.stringMatching(/private or local/),
      });
    }
    expect((await failure(git.fetch({ url: `https://${server.host}/x.git` }))).publicMessage).toMatch(
      /private or local/,
    );
    expect(server.requests.length).toBe(before);
    expect(refused).toContain(server.host);
  });

  test("a redirect to a private address is refused", { timeout: TIMEOUT_MS }, async () => {
    const url = `http://${server.host}/elsewhere.git`;
    expect((await failure(here().fetch({ url }))).publicMessage).toMatch(/private or local/);
    expect(refused).toEqual(["169.254.169.254"]);
  });
});

test("what is not there is told in plain words, with the field to correct", {
  timeout: TIMEOUT_MS,
}, async () => {
  await server.commit("small", { "a.txt": "a" });
  const git = open();
  const cases: [GitSource, RegExp, string][] = [
    [source("nowhere"), /no repository at this address/, "git.url"],
    [{ url: `http://${server.host}/private.git` }, /needs a sign-in/, "git.url"],
    [source("small", { ref: "gone" }), /no branch, tag or commit gone/, "git.ref"],
    [
      source("small", { ref: "0123456789012345678901234567890123456789" }),
      /no branch, tag or commit 0123/,
      "git.ref",
    ],
    [source("small", { directory: "app" }), /no folder app/, "git.directory"],
    [source("small", { directory: "a.txt" }), /no folder a.txt/, "git.directory"],
  ];
  for (const [asked, message, path] of cases) {
    const error = await failure(git.fetch(asked));
    expect(error.publicMessage).toMatch(message);
    expect(error).toMatchObject({ code: "git_failed", retryable: false, errors: [{ path }] });
  }
});

test("links, submodules, node_modules and unsafe names are left out, and told", {
  timeout: TIMEOUT_MS,
}, async () => {
  const commit = await server.commit("odd", {
    "a.txt": "a",
    "app/passwd": { link: "/etc/passwd" },
    up: { link: ".." },
    "node_modules/x/index.js": "x",
    "app/node_modules/y.js": "y",
    "back\\slash": "b",
  });
  await server.git("odd", "update-index", "--add", "--cacheinfo", `160000,${commit},lib`);
  await server.git("odd", "commit", "--quiet", "--message", "submodule");
  const git = open();
  expect(await paths(git.fetch(source("odd")))).toEqual(["a.txt"]);
  expect(skipped).toEqual([{ host: server.host, links: 2, submodules: 1, unsafePaths: 3 }]);
  expect((await failure(git.fetch(source("odd", { directory: "up" })))).publicMessage).toMatch(
    /no folder up/,
  );
});

test("attributes, hooks and settings of a repository have no effect", { timeout: TIMEOUT_MS }, async () => {
  const mark = join(folder, "mark");
  await server.commit("hostile", {
    ".gitattributes": "*.txt filter=lfs ident eol=crlf\nkept.js export-ignore\n",
    ".lfsconfig": "[lfs]\n  url = http://169.254.169.254/\n",
    ".gitmodules": '[submodule "x"]\n  path = x\n  url = ext::sh -c touch% /tmp/x\n',
    "hooks/post-checkout.sh": `#!/bin/sh\ntouch ${mark}\n`,
    config: `[core]\n  fsmonitor = touch ${mark}\n`,
    HEAD: "ref: refs/heads/x\n",
    "objects/x": "",
    "refs/x": "",
    "a.txt": "$Id$\nplain\n",
    "kept.js": "1",
  });
  const files = await open().fetch(source("hostile"));
  expect(files.find(({ path }) => path === "a.txt")?.content).toBe("$Id$\nplain\n");
  expect(files.map(({ path }) => path)).toContain("kept.js");
  expect(existsSync(mark)).toBe(false);
  expect(refused).toEqual([]);
});

test("too many files, too large a file, too much together and too large a pack are refused", {
  timeout: TIMEOUT_MS,
}, async () => {
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * at * 2_654_435_761) >>> 13));
  await server.commit("large", { "a.txt": "a".repeat(3000), "b.txt": "b".repeat(3000), "c.bin": noise });
  const fails = async (limits: GitSourceOptions["limits"]) =>
    (await failure(open({ limits: limits ?? {} }).fetch(source("large")))).publicMessage;
  expect(await fails({ files: 2 })).toMatch(/more than 2 files/);
  expect(await fails({ fileBytes: 150_000 })).toMatch(/c.bin is larger/);
  expect(await fails({ totalBytes: 204_000 })).toMatch(/larger than .* together/);
  expect(await fails({ packBytes: 50_000 })).toMatch(/too large/);
});

test("a tree that lists itself millions of times ends at the bound", { timeout: TIMEOUT_MS }, async () => {
  await server.commit("bomb", { "0/a": "boom" });
  let tree = await server.git("bomb", "rev-parse", "HEAD:0");
  for (let depth = 0; depth < 9; depth += 1) {
    const lines = Array.from({ length: 10 }, (_, at) => `040000 tree ${tree}\t${at}`).join("\n");
    tree = await server.mktree("bomb", `${lines}\n`);
  }
  const commit = await server.git("bomb", "commit-tree", "-m", "bomb", tree);
  await server.git("bomb", "update-ref", "refs/heads/main", commit);
  const error = await failure(open({ limits: { listBytes: 1 << 20 } }).fetch(source("bomb")));
  expect(error.publicMessage).toMatch(/more than 5000 files/);
});

test("a server that never answers ends at the time limit; an abort and a close end a fetch", {
  timeout: TIMEOUT_MS,
}, async () => {
  const url = `http://${server.host}/never.git`;
  expect((await failure(open({ limits: { timeMs: 1500 } }).fetch({ url }))).publicMessage).toMatch(
    /longer than/,
  );
  const heard = server.requests.length;
  const stop = new AbortController();
  const git = open({ limits: { atOnce: 2 } });
  const aborted = git.fetch({ url }, { signal: stop.signal }).catch((error: unknown) => error);
  const closed = failure(git.fetch({ url }));
  expect((await failure(git.fetch({ url }))).code).toBe("rate_limited");
  await expect.poll(() => server.requests.length, { timeout: 20_000 }).toBe(heard + 2);
  stop.abort("enough");
  expect(await aborted).toBe("enough");
  await git.close();
  expect((await closed).code).toBe("shutting_down");
  expect(await readdir(join(folder, "work"))).toEqual([]);
});
