import type { OpenApiDocument } from "./openapi-document.ts";

type PathItem = NonNullable<OpenApiDocument["paths"]>[string];
type OperationObject = NonNullable<PathItem["get"]>;

/** One call of the API, as the reference shows it. */
export interface OperationEntry {
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  readonly operation: OperationObject;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** Every call in the order of the document. */
export function operationsOf(document: OpenApiDocument): readonly OperationEntry[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined
        ? []
        : [{ method: method.toUpperCase(), path, tag: operation.tags?.[0] ?? "Other", operation }];
    }),
  );
}

/** The parameters of a call, without references (we register none). */
export function parametersOf(operation: OperationObject) {
  return (operation.parameters ?? []).flatMap((parameter) => ("name" in parameter ? [parameter] : []));
}

/** Content types and schemas of a body or an answer. */
export function contentOf(part: unknown): readonly (readonly [string, unknown])[] {
  if (typeof part !== "object" || part === null || !("content" in part)) return [];
  const { content } = part;
  if (typeof content !== "object" || content === null) return [];
  return Object.entries(content).map(([type, media]: [string, unknown]) => [
    type,
    typeof media === "object" && media !== null && "schema" in media ? media.schema : undefined,
  ]);
}

/** What an answer says about itself. */
export function descriptionOf(answer: unknown): string {
  return typeof answer === "object" && answer !== null && "description" in answer
    ? String(answer.description)
    : "";
}

/** The error codes that a problem answer names in its description. */
export function codesOf(answer: unknown): readonly string[] {
  return [...descriptionOf(answer).matchAll(/`(\w+)`: /g)].map((match) => match[1] ?? "");
}
