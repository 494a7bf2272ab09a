import { type Page, VelocityError } from "@velocity/contract";
import { z } from "zod";

/**
 * Cursors name the last row a caller has seen, by the columns the list is sorted by, so that rows that come or go in
 * between are neither repeated nor skipped.
 */
const timeCursorSchema = z.tuple([z.int().min(-8.64e15).max(8.64e15), z.uuid()]);
const idCursorSchema = z.tuple([z.string().regex(/^\d{1,18}$/)]);

export interface TimeCursor {
  readonly at: Date;
  readonly id: string;
}

/** Throws `bad_request` for anything that `encodeTimeCursor` did not make. */
export function decodeTimeCursor(cursor: string): TimeCursor {
  const [ms, id] = decode(cursor, timeCursorSchema);
  return { at: new Date(ms), id };
}

export function encodeTimeCursor(cursor: TimeCursor): string {
  return encode([cursor.at.getTime(), cursor.id]);
}

/** Throws `bad_request` for anything that `encodeIdCursor` did not make. */
export function decodeIdCursor(cursor: string): string {
  return decode(cursor, idCursorSchema)[0];
}

export function encodeIdCursor(id: string): string {
  return encode([id]);
}

/** `rows` was read with one row more than `limit`, to know whether there is more. */
export function toPage<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

function encode(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

function decode<T>(cursor: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch (cause) {
    throw new VelocityError("bad_request", "The cursor is not one that a list gave out.", { cause });
  }
}
