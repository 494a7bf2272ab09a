/**
 * JSON text that every jsonb column takes. PostgreSQL refuses two things that JSON and browsers' consoles know: the
 * character U+0000 and halves of surrogate pairs. Both become U+FFFD.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return /\\u0000|\\ud[89a-f]/i.test(text) ? JSON.stringify(clean(value)) : text;
}

/** The same for a text column. */
export function toText(value: string): string {
  return value.toWellFormed().replaceAll("\u0000", "\ufffd");
}

function clean(value: unknown): unknown {
  if (typeof value === "string") return toText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toText(key), clean(item)]));
}
