import { type FieldError, VelocityError, type VelocityJson, velocityJsonSchema } from "@velocity/contract";
import { parseJson } from "./parse-json.ts";

export const VELOCITY_JSON = "velocity.json";

/** Throws `validation`; every wrong or unknown key is named, with the file. */
export function parseVelocityJson(text: string): VelocityJson {
  const parsed = velocityJsonSchema.safeParse(parseJson(VELOCITY_JSON, text));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): FieldError[] => {
    const at = (key: string) => [VELOCITY_JSON, [...issue.path, key].filter((part) => part !== "").join(".")];
    const named = (key: string) =>
      at(key)
        .filter((part) => part !== "")
        .join(": ");
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        path: named(key),
        code: "unknown_key",
        message: `Unknown key "${key}". Known: install, command, port, ready, env, network.`,
      }));
    return [{ path: named(""), code: issue.code, message: issue.message }];
  });
  const names = errors.map((error) => error.path.replace(`${VELOCITY_JSON}: `, "")).join(", ");
  throw new VelocityError("validation", `velocity.json cannot be used: see ${names}.`, { errors });
}
