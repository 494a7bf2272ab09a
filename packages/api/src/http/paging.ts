import { z } from "zod";

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** Whole numbers as they come in a query. */
export function queryInt(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

/** `?flag`, `?flag=1`, `?flag=true` and their opposites. */
export const queryFlag = z
  .enum(["", "1", "true", "0", "false"])
  .transform((value) => value !== "0" && value !== "false");

const cursorSchema = z.string().regex(/^[\w.~:+/=-]{1,1024}$/, "is not a cursor of this server");

/** `limit` and `cursor` of every list. */
export const pageQuery = {
  limit: queryInt(1, MAX_PAGE_SIZE).optional(),
  cursor: cursorSchema.optional(),
};

/** The page that a query asks for. */
export function pageOf(query: { readonly limit?: number | undefined; readonly cursor?: string | undefined }) {
  return {
    limit: query.limit ?? DEFAULT_PAGE_SIZE,
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  };
}

/** A list that is always complete in one answer. */
export function wholeList<T>(items: readonly T[]): { items: T[]; nextCursor: string | null } {
  return { items: [...items], nextCursor: null };
}
