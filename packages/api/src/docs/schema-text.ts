/** A JSON schema as a short TypeScript-like text, such as `{ id: uuid, level: "frozen" | null }`. */
export function schemaText(schema: unknown, depth = 0): string {
  if (!isRecord(schema)) return "any";
  if (typeof schema.$ref === "string") return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(alternatives)) return alternatives.map((part) => schemaText(part, depth)).join(" | ");
  if (Array.isArray(schema.allOf)) return schema.allOf.map((part) => schemaText(part, depth)).join(" & ");
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.map((type) => typeText(type, schema, depth)).join(" | ");
}

function typeText(type: unknown, schema: Record<string, unknown>, depth: number): string {
  if (type === "object") return objectText(schema, depth);
  if (type === "array") {
    const item = schemaText(schema.items, depth);
    return /[ {]/.test(item) && !item.endsWith("}") ? `(${item})[]` : `${item}[]`;
  }
  if (type === "string" && typeof schema.format === "string") return schema.format;
  return typeof type === "string" ? type : "any";
}

function objectText(schema: Record<string, unknown>, depth: number): string {
  if (!isRecord(schema.properties))
    return isRecord(schema.additionalProperties)
      ? `{ [name]: ${schemaText(schema.additionalProperties, depth)} }`
      : "{}";
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const indent = "  ".repeat(depth + 1);
  const fields = Object.entries(schema.properties).map(
    ([name, field]) => `${indent}${name}${required.has(name) ? "" : "?"}: ${schemaText(field, depth + 1)}`,
  );
  return `{\n${fields.join(",\n")}\n${"  ".repeat(depth)}}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
