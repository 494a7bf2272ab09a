import {
  type ContainerId,
  type Identity,
  type InstallId,
  LABELS,
  type NetworkPolicy,
  type RunSpec,
  type SessionId,
  type Tier,
} from "@velocity/contract";
import type { ContainerSpec, DependencyMount } from "../ports/driver.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import { containerName } from "../services.ts";
import type { SessionRecord } from "../session-record.ts";

/** Labels of ours besides those of the interface: which dependencies a container was made with. */
export const DEPENDENCIES_LABEL = "velocity-dependencies";
const SERVICE = "preview";
const NETWORK_ORDER: readonly NetworkPolicy[] = ["none", "registry", "full"];

/** What a project asks for, but not more than the operator allows. */
export function cappedNetwork(asked: NetworkPolicy, max: NetworkPolicy): NetworkPolicy {
  return NETWORK_ORDER[Math.min(NETWORK_ORDER.indexOf(asked), NETWORK_ORDER.indexOf(max))] ?? "none";
}

/** The plan's command with the session's own environment. */
export function runOf(prepared: Pick<PreparedProject, "plan">, env: SessionRecord["env"]): RunSpec {
  const { run } = prepared.plan;
  return { ...run, env: { ...run.env, ...env } };
}

/**
 * The dependencies could not be installed, so the container boots with an install that only repeats the log and fails:
 * the agent then serves its failure page, like for any failed install.
 */
export function failedInstallRun(run: RunSpec, log: readonly string[]): RunSpec {
  const program = "process.stderr.write(process.env.VELOCITY_INSTALL_LOG + '\\n', () => process.exit(1))";
  return {
    ...run,
    install: {
      command: ["node", "-e", program],
      env: { VELOCITY_INSTALL_LOG: log.join("\n").slice(-60_000) },
    },
  };
}

export function containerSpec(from: {
  readonly containerId: ContainerId;
  readonly installId: InstallId;
  readonly tier: Tier;
  readonly resources: SessionRecord["resources"];
  readonly networkMax: NetworkPolicy;
  readonly createdAt: Date;
  readonly prepared: Omit<PreparedProject, "project" | "tree">;
  readonly dependencies:
    | { readonly kind: "ready"; readonly mounts: readonly DependencyMount[] }
    | { readonly kind: "failed" };
  readonly session: {
    readonly id: SessionId;
    readonly projectId: Identity["projectId"];
    readonly generation: number;
  } | null;
  readonly run: RunSpec | null;
}): ContainerSpec {
  const { containerId, session, prepared } = from;
  const identity: Identity = {
    containerId,
    sessionId: session?.id ?? null,
    projectId: session?.projectId ?? null,
    generation: session?.generation ?? 0,
  };
  return {
    containerId,
    installId: from.installId,
    name: containerName(from.installId, containerId),
    labels: {
      [LABELS.service]: SERVICE,
      [LABELS.install]: from.installId,
      [LABELS.container]: containerId,
      [LABELS.createdAt]: from.createdAt.toISOString(),
      [LABELS.tier]: from.tier,
      // Made without them, it fits no plan: the next time it is brought up it is made anew.
      [DEPENDENCIES_LABEL]:
        from.dependencies.kind === "ready" ? (prepared.plan.dependencies?.key ?? "") : "failed",
      ...(session === null
        ? {}
        : {
            [LABELS.project]: session.projectId ?? "",
            [LABELS.session]: session.id,
            [LABELS.generation]: String(session.generation),
          }),
    },
    resources: from.resources,
    network: cappedNetwork(prepared.plan.network, from.networkMax),
    workspace: prepared.linked === null ? { kind: "managed" } : { kind: "linked", ...prepared.linked },
    seed: prepared.files,
    dependencies: from.dependencies.kind === "ready" ? from.dependencies.mounts : [],
    identity,
    run: from.run,
  };
}
