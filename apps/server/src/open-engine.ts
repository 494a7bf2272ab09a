import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstallId } from "@velocity/contract";
import type { CoreDeps, Driver } from "@velocity/core";
import { createProcessDriver } from "@velocity/driver-process";
import type { SandboxSupport } from "@velocity/sandbox";
import {
  type ClosableWorkspace,
  createDirectoryTree,
  createGitSource,
  createInstallRunner,
  createLinkedFiles,
  createMemoryTree,
  createTemplateSource,
  createWorkspace,
  packageManagerMounts,
  readArchive,
  STATIC_SERVER_FILE,
} from "@velocity/workspace";
import type { Logger } from "pino";
import type { Config } from "./config/schema.ts";

/** What runs containers, and what prepares projects for them. */
export interface Engine
  extends Pick<
    CoreDeps,
    "workspace" | "templates" | "archives" | "linkedFiles" | "git" | "directoryTree" | "memoryTree"
  > {
  readonly driver: Driver;
  close(): Promise<void>;
}

export interface EngineParts {
  readonly installId: InstallId;
  /** What this machine can do to keep untrusted code apart. */
  readonly support: SandboxSupport;
  /** Folder with the bundled agent. */
  readonly agentDir: string;
  /** Folder with the bundled server for plain files. */
  readonly staticServerDir: string;
  readonly templatesDir: string;
  /** Folder for what is bundled once. */
  readonly bundlesDir: string;
  readonly log: Logger;
}

export async function openEngine(config: Config, parts: EngineParts): Promise<Engine> {
  const { agentDir, staticServerDir, templatesDir, bundlesDir, support, installId, log } = parts;
  const nodePath = process.execPath;
  const sockets = runtimeDir(config.dataDir);
  const cacheDir = join(config.dataDir, "cache");
  const driver = await createProcessDriver({
    dataDir: config.dataDir,
    runtimeDir: sockets,
    nodePath,
    agentBundle: agentDir,
    staticServerDir,
    programs: await packageManagerMounts({ cacheDir: bundlesDir, nodePath }),
    installId,
    log: log.child({ part: "driver" }),
    requireIsolation: config.auth !== "none",
    support,
  });
  const workspace: ClosableWorkspace = createWorkspace({
    cacheDir,
    nodePath,
    previewDomain: config.previewDomain,
    staticServerEntry: `/opt/velocity/static/${STATIC_SERVER_FILE}`,
    runner: createInstallRunner({
      support: support.namespaces,
      cacheDir,
      runtimeDir: join(sockets, "install"),
      nodePath,
      agentDir,
      env: process.env,
      onRefused: (target, reason) => log.warn({ target, reason }, "installer was refused a connection"),
    }),
  });
  const git = createGitSource({
    support: support.namespaces,
    workDir: join(config.dataDir, "git"),
    runtimeDir: join(sockets, "git"),
    nodePath,
    agentDir,
    allowPrivateHosts: config.gitHosts,
    onRefused: (target, reason) => log.warn({ target, reason }, "git was refused a connection"),
    onSkipped: (facts) => log.info(facts, "entries of a repository were left out"),
  });
  return {
    driver,
    workspace,
    git,
    templates: createTemplateSource(templatesDir),
    archives: { read: (bytes) => readArchive(bytes) },
    linkedFiles: createLinkedFiles(),
    directoryTree: createDirectoryTree,
    memoryTree: createMemoryTree,
    close: async () => {
      await git.close();
      await workspace.close();
      await driver.close();
    },
  };
}

/** Short, because socket paths are limited; one per data folder, so that two servers never meet in it. */
function runtimeDir(dataDir: string): string {
  const name = `velocity-${createHash("sha256").update(dataDir).digest("hex").slice(0, 10)}`;
  return process.getuid?.() === 0 && process.platform === "linux" ? join("/run", name) : join(tmpdir(), name);
}
