import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleAgent } from "./bundle.ts";

test("concurrent callers share one complete, small bundle, and later ones find it", async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), "va-bundle-"));
  try {
    const made = await Promise.all([1, 2, 3].map(() => bundleAgent({ cacheDir })));
    expect(new Set(made.map(({ dir }) => dir)).size).toBe(1);
    expect(readdirSync(cacheDir)).toHaveLength(1);
    const dir = made[0]?.dir ?? "";
    const names = readdirSync(dir);
    expect(names).toContain("agent.mjs");
    expect(names).toContain("preload.cjs");
    const bytes = (name: string): number => statSync(join(dir, name)).size;
    expect(bytes("agent.mjs")).toBeLessThan(6000);
    expect(bytes("preload.cjs")).toBeLessThan(4000);
    expect(names.reduce((sum, name) => sum + bytes(name), 0)).toBeLessThan(120_000);
    expect(await bundleAgent({ cacheDir })).toEqual({ dir });
  } finally {
    rmSync(cacheDir, { recursive: true });
  }
});
