import { applyFilesSchema, bindSchema, execSchema, VelocityError } from "@velocity/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { parseApplyFiles, parseBind, parseExec } from "./parse-body.ts";

/** Things that may stand where something else is wanted. */
const odd = fc.oneof(
  fc.constantFrom(null, undefined, "", 0, 1.5, Number.NaN, 2 ** 60, true, [], {}, "bridge", "base64"),
  fc.string(),
);
const path = fc.oneof(
  fc.constantFrom("a", "a/b.js", "../x", ".git/x", "node_modules", "é".repeat(600)),
  fc.string(),
);
const uuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => ` ${id.toUpperCase()} `),
);
const file = fc.record({ path, content: fc.string() });
const env = fc.dictionary(fc.string(), fc.string());
const command = fc.array(fc.string());
const files = { files: fc.array(file, { maxLength: 3 }), deletes: fc.array(path, { maxLength: 3 }) };
const run = fc.record({
  command,
  cwd: fc.string(),
  env,
  port: fc.integer(),
  ready: fc.record({ path: fc.string(), timeoutMs: fc.integer() }),
  listen: fc.constantFrom("preload", "bridge"),
  install: fc.option(fc.record({ command, env })),
});
const bind = fc.record({ ...files, sessionId: uuid, projectId: uuid, generation: fc.integer(), run });
const exec = fc.record(
  { command, cwd: fc.string(), env, timeoutMs: fc.integer({ min: -1, max: 700_000 }) },
  { requiredKeys: ["command"] },
);

/** The value with one of its fields, at any depth, replaced, removed or added. */
function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.infiniteStream(fc.nat(20)), odd).map(([whole, steps, other]) => {
    const copy: unknown = structuredClone(whole);
    let at = copy;
    for (const step of steps) {
      if (typeof at !== "object" || at === null) break;
      const keys = [...Object.keys(at), "added"];
      const key = keys[step % keys.length] ?? "added";
      const below: unknown = Reflect.get(at, key);
      if (typeof below === "object" && below !== null && step % 3 !== 0) at = below;
      else {
        if (other === undefined) Reflect.deleteProperty(at, key);
        else Reflect.set(at, key, other);
        break;
      }
    }
    // What was removed from a list leaves a hole, which JSON does not have.
    return JSON.parse(JSON.stringify(copy) ?? "null");
  });
}

function sameAs(schema: z.ZodType, parse: (value: unknown) => unknown): (value: unknown) => void {
  return (value) => {
    const expected = schema.safeParse(value);
    if (expected.success) expect(parse(value)).toEqual(expected.data);
    else {
      expect(() => parse(value)).toThrow(VelocityError);
      expect(() => parse(value)).toThrow(/^validation/);
    }
  };
}

describe("bodies are taken, refused and read exactly as the contract's schemas do", () => {
  test.each([
    ["bind", bind, bindSchema, parseBind],
    ["files", fc.record(files), applyFilesSchema, parseApplyFiles],
    ["exec", exec, execSchema, parseExec],
  ] as const)("%s", (_name, good, schema, parse) => {
    fc.assert(fc.property(fc.oneof(good, spoiled(good), odd), sameAs(schema, parse)), { numRuns: 2000 });
  });
});
