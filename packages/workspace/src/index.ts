export { type ClosableWorkspace, createWorkspace, type WorkspaceOptions } from "./create-workspace.ts";
export type { InstallPlatform } from "./install/dependency-key.ts";
export type { InstallJob, InstallMount, InstallRunner } from "./install/install-runner.ts";
export { createPlainRunner } from "./install/plain-runner.ts";
export type * from "./ports.ts";
export { createDirectoryTree } from "./tree/directory-tree.ts";
export { createMemoryTree } from "./tree/memory-tree.ts";
