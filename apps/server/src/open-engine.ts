import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstallId } from "@velocity/contract";
import type { CoreDeps, Driver } from "@velocity/core";
import { createProcessDriver } from "@velocity/driver-process";
import {
  type ClosableWorkspace,
  createDirectoryTree,
  createLinkedFiles,
  createMemoryTree,
  createPlainRunner,
  createTemplateSource,
  createWorkspace,
} from "@velocity/workspace";
import type { Logger } from "pino";
import type { Config } from "./config/schema.ts";

/** What runs containers, and what prepares projects for them. */
export interface Engine
  extends Pick<CoreDeps, "workspace" | "templates" | "linkedFiles" | "directoryTree" | "memoryTree"> {
  readonly driver: Driver;
  close(): Promise<void>;
}

export interface EngineParts {
  readonly installId: InstallId;
  /** Folder with the bundled agent. */
  readonly agentDir: string;
  /** The repository. */
  readonly root: string;
  readonly log: Logger;
}

export async function openEngine(config: Config, parts: EngineParts): Promise<Engine> {
  const { root, agentDir, installId, log } = parts;
  const nodePath = process.execPath;
  const driver = await createProcessDriver({
    dataDir: config.dataDir,
    runtimeDir: runtimeDir(config.dataDir),
    nodePath,
    agentBundle: agentDir,
    staticServerDir: join(root, "node_modules"),
    installId,
    log: log.child({ part: "driver" }),
    requireIsolation: config.auth !== "none",
  });
  const workspace: ClosableWorkspace = createWorkspace({
    cacheDir: join(config.dataDir, "cache"),
    nodePath,
    previewDomain: config.previewDomain,
    staticServerEntry: "/opt/velocity/static/node_modules/vite/bin/vite.js",
    runner: createPlainRunner(),
    registry: null,
  });
  return {
    driver,
    workspace,
    templates: createTemplateSource(join(root, "templates")),
    linkedFiles: createLinkedFiles(),
    directoryTree: createDirectoryTree,
    memoryTree: createMemoryTree,
    close: async () => {
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
