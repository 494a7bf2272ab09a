import { ERRORS, type ErrorCode } from "@velocity/contract";
import { z } from "zod";
import { problemSchema } from "../docs/named-schemas.ts";

type StatusOf<C extends ErrorCode> = (typeof ERRORS)[C]["status"];
interface ProblemAnswer {
  description: string;
  content: { "application/problem+json": { schema: typeof problemSchema } };
}

/** What every route may answer, whoever asks. */
const EVERYWHERE = ["bad_request", "unauthorized", "forbidden", "internal", "database_unavailable"] as const;

/** The error answers of a route, by status, for its OpenAPI entry; those that every route has are added. */
export function problems<const C extends ErrorCode>(
  ...codes: C[]
): { [S in StatusOf<C | (typeof EVERYWHERE)[number]>]: ProblemAnswer } {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...EVERYWHERE, ...codes]))
    byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), code]);
  const answers = [...byStatus].map(([status, list]) => [
    status,
    {
      description: list.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(" · "),
      content: { "application/problem+json": { schema: problemSchema } },
    },
  ]);
  // Object.fromEntries cannot know which statuses the codes have; the mapped type above does.
  return Object.fromEntries(answers) as { [S in StatusOf<C | (typeof EVERYWHERE)[number]>]: ProblemAnswer };
}

/** A JSON answer. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { "application/json": { schema } } } };
}

/** A JSON body that may be left out. */
export function optionalJsonBody<T extends z.ZodType>(schema: T) {
  return { body: { required: false, content: { "application/json": { schema } } } };
}

/** Bytes of any type. */
export function bytes(description: string) {
  return {
    description,
    content: {
      "application/octet-stream": { schema: z.string().meta({ format: "binary" }) },
    },
  };
}

/** A stream of items of this type. */
export function stream<T extends z.ZodType>(contentType: string, item: T, description: string) {
  // Typed by string, not by literal: the library would take x-ndjson for a kind of JSON.
  const content: Record<string, { schema: T }> = { [contentType]: { schema: item } };
  return { description, content };
}
