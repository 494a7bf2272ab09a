import type { Store } from "@velocity/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { moment, newProject, text } from "./fixtures.ts";

/** Few paths, so that changes meet; some are folders of others, so that changes clash. */
const path = fc.constantFrom("a", "b", "c", "c/d", "c/d/e", "f/g");
const change = fc.record(
  {
    writes: fc.dictionary(path, fc.constantFrom("", "1", "2", "\0ü")),
    deletes: fc.uniqueArray(path, { maxLength: 3 }),
    baseBehind: fc.nat(4),
  },
  { requiredKeys: ["writes", "deletes"] },
);

interface Model {
  version: number;
  readonly files: Map<string, string>;
  /** Version of the last real change of a path, deletions included. */
  readonly changedAt: Map<string, number>;
}

function clashes(paths: readonly string[]): boolean {
  return paths.some((one) => paths.some((other) => other.startsWith(`${one}/`)));
}

/** Any sequence of changes leaves the store as a plain map would be, version by version. */
export function projectProperties(store: () => Store): void {
  test("any sequence of changes gives the files, versions and conflicts of the model", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const { projects } = store();
        const { project } = await projects.create(newProject(), [], moment());
        const past: ReadonlyMap<string, string>[] = [];
        const model: Model = { version: 1, files: new Map(), changedAt: new Map() };
        for (const { writes, deletes, baseBehind } of changes) {
          past[model.version] = new Map(model.files);
          const baseVersion = baseBehind === undefined ? undefined : model.version - baseBehind;
          const named = [...Object.keys(writes), ...deletes];
          const apply = projects.apply(
            project.id,
            {
              files: Object.entries(writes).map(([name, content]) => text(name, content)),
              deletes,
              ...(baseVersion !== undefined && { baseVersion }),
            },
            moment(),
          );
          if (
            baseVersion !== undefined &&
            named.some((name) => (model.changedAt.get(name) ?? 0) > baseVersion)
          ) {
            expect(await apply).toEqual({ kind: "conflict", version: model.version });
            continue;
          }
          const next = new Map(model.files);
          for (const name of deletes) next.delete(name);
          for (const [name, content] of Object.entries(writes)) next.set(name, content);
          if (clashes([...next.keys()])) {
            await expect(apply).rejects.toMatchObject({ code: "validation" });
            continue;
          }
          const changed = named.filter((name) => next.get(name) !== model.files.get(name));
          if (changed.length > 0) model.version += 1;
          for (const name of changed) model.changedAt.set(name, model.version);
          model.files.clear();
          for (const [name, content] of next) model.files.set(name, content);
          expect(await apply).toEqual({ kind: "applied", version: model.version });
        }
        const stored = await projects.files(project.id);
        expect(new Map(stored.map((file) => [file.path, file.content]))).toEqual(model.files);
        for (const entry of await projects.entries(project.id))
          expect(entry.version).toBe(model.changedAt.get(entry.path));
        expect((await projects.get(project.id))?.version).toBe(model.version);
        for (const [version, files] of past.entries()) {
          if (files === undefined) continue;
          const caughtUp = new Map(files);
          const since = await projects.changesSince(project.id, version);
          for (const name of since.deletes) caughtUp.delete(name);
          for (const file of since.files) caughtUp.set(file.path, file.content);
          expect(caughtUp).toEqual(model.files);
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
}
