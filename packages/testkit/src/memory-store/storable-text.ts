/** What a PostgreSQL text or jsonb column makes of a value: U+0000 and halves of surrogate pairs become U+FFFD. */
export function storableText(value: string): string {
  return value.toWellFormed().replaceAll("\u0000", "\ufffd");
}

/** The same for every key and string inside a JSON object, which comes back as a copy. */
export function storableJson(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item)]));
}

function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" && value !== null ? storableJson({ ...value }) : value;
}
