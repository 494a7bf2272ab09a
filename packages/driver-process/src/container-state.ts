import { open, readFile, rename } from "node:fs/promises";
import {
  containerIdSchema,
  identitySchema,
  installIdSchema,
  networkPolicySchema,
  resourcesSchema,
  runSpecSchema,
} from "@velocity/contract";
import { cgroupSchema } from "@velocity/sandbox";
import { z } from "zod";

/** What is known about a container's processes. `starting` and `destroying` are found only after a crash. */
export const containerPhaseSchema = z.enum([
  "created",
  "starting",
  "running",
  "suspended",
  "stopped",
  "destroying",
]);

/** `state.json`: written before anything is done, so that whatever runs can be found again. */
export const containerStateSchema = z.object({
  version: z.literal(1),
  containerId: containerIdSchema,
  installId: installIdSchema,
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
  resources: resourcesSchema,
  network: networkPolicySchema,
  workspace: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("managed") }),
    z.object({ kind: z.literal("linked"), directory: z.string(), mountRoot: z.string() }),
  ]),
  dependencies: z.array(z.object({ key: z.string(), path: z.string(), target: z.string() })),
  identity: identitySchema,
  run: runSpecSchema.nullable(),
  /** Who its processes are on the host; null: whoever the server is. `dedicated`: no one else has this uid. */
  owner: z.object({ uid: z.int(), gid: z.int(), dedicated: z.boolean() }).nullable(),
  phase: containerPhaseSchema,
  process: z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() }).nullable(),
  cgroup: cgroupSchema.nullable(),
});
export type ContainerState = z.infer<typeof containerStateSchema>;

/** `missing`: no such file. `unreadable`: there is one, and it says nothing of use (a crash of the machine). */
export async function readState(
  path: string,
): Promise<{ kind: "state"; state: ContainerState } | { kind: "missing" } | { kind: "unreadable" }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return { kind: "missing" };
    throw error;
  }
  try {
    return { kind: "state", state: containerStateSchema.parse(JSON.parse(text)) };
  } catch {
    return { kind: "unreadable" };
  }
}

/** Replaces the file as a whole: a reader, or a crash at any point, sees the old one or the new one. */
export async function writeState(path: string, state: ContainerState): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(state));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
