import { createHash } from "node:crypto";
import {
  containerIdSchema,
  type FileContent,
  type PoolStatus,
  type RunSpec,
  TIERS,
} from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import type { ContainerWatch } from "../events/container-watch.ts";
import { cappedNetwork, containerSpec } from "../operations/container-spec.ts";
import { bounded, destroyContainer } from "../operations/destroy-container.ts";
import type { ContainerHandle, DependencyMount } from "../ports/driver.ts";
import type { ProjectPlan } from "../ports/workspace.ts";
import { filesDigest, type PreparedProject } from "../projects/project-files.ts";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";
import type { Member, Pool } from "./pool-port.ts";

/** Which template a member is made from, and how. */
interface Recipe {
  readonly template: string;
  readonly key: string;
  readonly files: readonly FileContent[];
  readonly plan: ProjectPlan;
}

const MAX_RECIPES = 20;
const BOOT_MS = 180_000;
const BACK_OFF_MS = [5_000, 15_000, 60_000, 300_000] as const;

/**
 * Warm containers, per template seen: sandbox up, dependencies mounted, dev server listening on the template's files. A
 * claim is one compare-and-set. A used member never comes back. Refilled in the background, one at a time.
 */
export class WarmPool implements Pool {
  readonly #core: () => CoreContext;
  readonly #recipes = new Map<string, Recipe>();
  readonly #closing = new AbortController();
  readonly #unusable = new Map<string, { failures: number; until: number }>();
  #filling: Promise<void> | null = null;
  #again = false;

  constructor(core: () => CoreContext) {
    this.#core = core;
  }

  get enabled(): boolean {
    const { settings, driver } = this.#core();
    return settings.enableContainerPooling && settings.poolSize > 0 && driver.capabilities.seedsWorkspace;
  }

  async claim(prepared: PreparedProject, session: SessionRecord, generation: number): Promise<Member | null> {
    const core = this.#core();
    if (!this.enabled || prepared.linked !== null || this.#recipes.size === 0) return null;
    if (!sameResources(session, core.settings.tier)) return null;
    for (const recipe of this.#recipes.values()) {
      if (recipe.plan.hash !== prepared.plan.hash) continue;
      const row = await core.store.containers.claim(recipe.key, {
        sessionId: session.id,
        projectId: session.projectId,
        generation,
        at: core.clock.now(),
      });
      if (row === null) continue;
      core.ledger.rememberContainer(row);
      const watch = core.watches.get(row.id);
      if (row.ref !== null && watch !== undefined && watch.state.status === "listening") {
        return { row, handle: { containerId: row.id, ref: row.ref }, watch, files: recipe.files };
      }
      // Not ours to use: it fell over, or another orchestrator holds its events.
      void destroyContainer(core, row).catch(() => {});
    }
    return null;
  }

  notice(template: string | null): void {
    if (template === null || !this.enabled || this.#closing.signal.aborted) return;
    void this.#learn(template)
      .then(() => this.refill())
      .catch((error) => this.#core().log.warn({ template, err: error }, "a template cannot be kept warm"));
  }

  refill(): Promise<void> {
    if (!this.enabled || this.#closing.signal.aborted) return Promise.resolve();
    this.#again = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  async keeps(row: ContainerRecord): Promise<boolean> {
    const template = row.poolKey?.split("/")[2];
    if (!this.enabled || template === undefined) return false;
    try {
      await this.#learn(template);
    } catch {
      return false;
    }
    return this.#recipes.get(template)?.key === row.poolKey;
  }

  adopt(row: ContainerRecord): void {
    if (row.ref === null || this.#core().watches.get(row.id) !== undefined) return;
    this.#watch({ containerId: row.id, ref: row.ref });
  }

  async status(): Promise<PoolStatus> {
    const { settings, store } = this.#core();
    const counts = await store.containers.countByPoolKey();
    const templates = [...this.#recipes.values()].map(({ template, key }) => ({
      template,
      available: counts.get(key)?.available ?? 0,
      creating: counts.get(key)?.creating ?? 0,
    }));
    const sum = (of: "available" | "creating") => templates.reduce((total, one) => total + one[of], 0);
    return {
      size: this.enabled ? settings.poolSize : 0,
      available: sum("available"),
      creating: sum("creating"),
      templates,
    };
  }

  async close(how: "destroy" | "leave"): Promise<void> {
    const core = this.#core();
    this.#closing.abort(new Error("the pool is closed"));
    await this.#filling?.catch(() => {});
    if (how === "leave") return;
    const live = await core.store.containers.listLive();
    const members = live.filter((row) => row.poolKey !== null && row.sessionId === null);
    await Promise.allSettled(members.map((row) => destroyContainer(core, row)));
  }

  async #learn(template: string): Promise<void> {
    const core = this.#core();
    const stored = await core.templates.files(template);
    const files: FileContent[] = stored.map(({ path, content, encoding }) => ({ path, content, encoding }));
    const digest = filesDigest(files);
    const plan = await core.workspace.plan(core.memoryTree(files), { linkedDirectory: null });
    const hash = createHash("sha256")
      .update(`${plan.hash}\0${digest}\0${cappedNetwork(plan.network, core.settings.networkMax)}`)
      .digest("hex");
    const key = `${core.driver.name}/${core.settings.tier}/${template}/${hash.slice(0, 32)}`;
    if (!this.#recipes.has(template) && this.#recipes.size >= MAX_RECIPES) return;
    this.#recipes.set(template, { template, key, files, plan });
  }

  async #fill(): Promise<void> {
    const core = this.#core();
    while (this.#again && !this.#closing.signal.aborted) {
      this.#again = false;
      const counts = await core.store.containers.countByPoolKey();
      for (const recipe of this.#recipes.values()) {
        const { available = 0, creating = 0 } = counts.get(recipe.key) ?? {};
        const wait = this.#unusable.get(recipe.key);
        if (wait !== undefined && wait.until > core.clock.now().getTime()) continue;
        for (let n = available + creating; n < core.settings.poolSize; n++) {
          if (this.#closing.signal.aborted) return;
          await this.#add(recipe);
        }
      }
    }
  }

  async #add(recipe: Recipe): Promise<void> {
    const core = this.#core();
    try {
      await this.#boot(recipe);
      this.#unusable.delete(recipe.key);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const failures = (this.#unusable.get(recipe.key)?.failures ?? 0) + 1;
      const pause = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1] ?? 300_000;
      this.#unusable.set(recipe.key, { failures, until: core.clock.now().getTime() + pause });
      core.log.warn({ template: recipe.template, err: error }, "a warm container could not be made");
    }
  }

  async #boot(recipe: Recipe): Promise<void> {
    const core = this.#core();
    const signal = this.#closing.signal;
    const containerId = containerIdSchema.parse(core.newId());
    const mounts = await this.#mounts(recipe, containerId, signal);
    const createdAt = core.clock.now();
    const row = await core.ledger.insertContainer({
      id: containerId,
      driver: core.driver.name,
      ref: null,
      status: "creating",
      sessionId: null,
      projectId: null,
      generation: 0,
      poolKey: recipe.key,
      tier: core.settings.tier,
      createdAt,
      claimedAt: null,
    });
    try {
      await core.failpoint?.("pool.before_create");
      const run: RunSpec = recipe.plan.run;
      const spec = containerSpec({
        containerId,
        installId: await core.installId(),
        tier: core.settings.tier,
        resources: TIERS[core.settings.tier].resources,
        networkMax: core.settings.networkMax,
        createdAt,
        prepared: { files: recipe.files, plan: recipe.plan, linked: null },
        dependencies: { kind: "ready", mounts },
        session: null,
        run,
      });
      const { ref } = await bounded(
        core,
        (limit) => core.driver.create(spec, { signal: limit }),
        60_000,
        signal,
      );
      const handle = { containerId, ref };
      const recorded = await core.ledger.patchContainer(row, { ref });
      const boot = { identity: spec.identity, run };
      await bounded(core, (limit) => core.driver.start(handle, boot, { signal: limit }), 60_000, signal);
      const watch = this.#watch(handle);
      const state = await bounded(
        core,
        (limit) => watch.waitFor(({ status }) => status === "listening" || status === "failed", 0, limit),
        BOOT_MS,
        signal,
      );
      if (state.status === "failed")
        throw new Error(`the template's dev server failed: ${state.error?.message}`);
      const app = core.driver.endpoint(handle, "app");
      await bounded(
        core,
        async (limit) => core.probe.warm?.(app, run.ready.path, limit),
        run.ready.timeoutMs,
        signal,
      );
      await core.failpoint?.("pool.before_available");
      await abortable(core.ledger.patchContainer(recorded, { status: "available" }), signal);
    } catch (error) {
      await destroyContainer(core, core.ledger.heldContainer(containerId) ?? row);
      throw error;
    }
  }

  async #mounts(recipe: Recipe, id: string, signal: AbortSignal): Promise<readonly DependencyMount[]> {
    if (recipe.plan.dependencies === null) return [];
    const core = this.#core();
    const tree = core.memoryTree(recipe.files);
    const found = await core.workspace.dependencies(recipe.plan, tree, {
      projectId: id,
      signal,
      onLog: () => {},
    });
    return found.mounts;
  }

  #watch(handle: ContainerHandle): ContainerWatch {
    const core = this.#core();
    const at = core.driver.endpoint(handle, "control");
    return core.watches.open(handle.containerId, at, { onServer() {}, onLine() {}, onFiles() {} });
  }
}

function sameResources(session: SessionRecord, tier: keyof typeof TIERS): boolean {
  const want = TIERS[tier].resources;
  const has = session.resources;
  return (
    session.tier === tier &&
    has.cpus === want.cpus &&
    has.memoryMb === want.memoryMb &&
    has.diskMb === want.diskMb
  );
}
