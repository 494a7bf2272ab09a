import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import {
  type ContainerId,
  type Endpoint,
  type ExecResult,
  type Identity,
  identitySchema,
  isErrorCode,
  VelocityError,
} from "@velocity/contract";
import type { ContainerHandle, ContainerSpec, Driver } from "@velocity/core";

const PATIENCE_MS = 30_000;

export function within(ms = PATIENCE_MS): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(ms) };
}

/** Creates and starts, and waits until the program inside answers. */
export async function boot(driver: Driver, spec: ContainerSpec, generation = 1): Promise<ContainerHandle> {
  const { ref } = await driver.create(spec, within());
  const handle = { containerId: spec.containerId, ref };
  await driver.start(handle, { identity: identityOf(spec, generation), run: spec.run }, within());
  await waitForIdentity(driver, handle);
  return handle;
}

export function identityOf(spec: ContainerSpec, generation: number): Identity {
  return { ...spec.identity, generation };
}

/** Asks until somebody answers. */
export async function waitForIdentity(driver: Driver, handle: ContainerHandle): Promise<Identity> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await askIdentity(driver.endpoint(handle, "control"), 2000);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(10);
    }
  }
}

export async function askIdentity(at: Endpoint, timeoutMs: number): Promise<Identity> {
  if (at.kind === "fly") throw new Error("no direct route");
  const target = at.kind === "unix" ? { socketPath: at.path } : { host: at.host, port: at.port };
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(
      { ...target, path: "/identity", agent: false, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.once("end", () => resolve(body));
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end();
  });
  return identitySchema.parse(JSON.parse(text));
}

export function sh(driver: Driver, handle: ContainerHandle, script: string): Promise<ExecResult> {
  return driver.exec(handle, { command: ["sh", "-c", script] }, within());
}

export async function statusOf(driver: Driver, handle: { containerId: ContainerId }): Promise<string> {
  return (await driver.inspect({ ...handle, ref: "" }, within())).status;
}

/** Destroyed, and seen to be gone by both ways of looking. */
export async function destroyAndConfirm(driver: Driver, handle: ContainerHandle): Promise<void> {
  await driver.destroy(handle, within());
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const inspected = await driver.inspect(handle, within());
    const listed = (await driver.list(within())).some((one) => one.containerId === handle.containerId);
    if (inspected.status === "gone" && !listed) return;
    if (performance.now() > deadline) throw new Error(`still there: ${inspected.status}`);
    await delay(20);
  }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof VelocityError && isErrorCode(error.code)) return error.code;
    return error instanceof Error ? error.name : "unknown";
  }
}
