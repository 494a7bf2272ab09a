import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { removeTree } from "@velocity/sandbox";

const run = promisify(execFile);

/** A Git server on the loopback, with the system's own `git http-backend`, and a folder of repositories. */
export interface GitServer {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** What was asked for, oldest first. */
  readonly requests: string[];
  /** Runs git in a repository. */
  git(repository: string, ...args: readonly string[]): Promise<string>;
  /** Makes a repository with a commit of these files; `{ link }` is a symbolic link. */
  commit(
    repository: string,
    files: Readonly<Record<string, string | Buffer | { link: string }>>,
  ): Promise<string>;
  /** Makes a tree object of the lines of `git mktree`. */
  mktree(repository: string, lines: string): Promise<string>;
  close(): Promise<void>;
}

const ENV = {
  PATH: process.env.PATH ?? "",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.test",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.test",
};

export async function openGitServer(): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), "vw-git-"));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(url.pathname);
    if (url.pathname.startsWith("/never.git")) return;
    if (url.pathname.startsWith("/private.git")) {
      response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      return;
    }
    if (url.pathname.startsWith("/elsewhere.git")) {
      response.writeHead(302, { location: `http://169.254.169.254/latest${url.search}` }).end();
      return;
    }
    const child = spawn("git", ["http-backend"], {
      stdio: ["pipe", "pipe", "ignore"],
      env: {
        ...ENV,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? "GET",
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""),
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        REMOTE_ADDR: "127.0.0.1",
        // The repositories belong to whoever runs the test.
        HOME: root,
      },
    });
    child.stdin.on("error", () => {});
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("close", () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf("\r\n\r\n");
      const headers = output
        .toString("latin1", 0, end)
        .split("\r\n")
        .map((line) => line.split(": "));
      const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
      for (const [name = "", value = ""] of headers)
        if (name !== "Status" && name !== "") response.setHeader(name, value);
      response.writeHead(Number.parseInt(status, 10)).end(output.subarray(end + 4));
    });
  });
  const port = await listen(server);
  const git = async (repository: string, ...args: readonly string[]) =>
    (
      await run("git", [...args], { cwd: join(root, repository), env: ENV, maxBuffer: 1 << 26 })
    ).stdout.trim();
  return {
    host: `127.0.0.1:${port}`,
    requests,
    git,
    async commit(repository, files) {
      await mkdir(join(root, repository), { recursive: true });
      await git(repository, "init", "--quiet", "--initial-branch", "main");
      for (const [path, content] of Object.entries(files)) {
        const at = join(root, repository, path);
        await mkdir(dirname(at), { recursive: true });
        if (typeof content === "object" && "link" in content) await symlink(content.link, at);
        else await writeFile(at, content);
        if (path.endsWith(".sh")) await chmod(at, 0o755);
      }
      await git(repository, "add", "--all", "--force");
      await git(repository, "commit", "--quiet", "--allow-empty", "--message", "x");
      return git(repository, "rev-parse", "HEAD");
    },
    async mktree(repository, lines) {
      const made = run("git", ["mktree"], { cwd: join(root, repository), env: ENV });
      made.child.stdin?.end(lines);
      return (await made).stdout.trim();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await removeTree(root);
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
