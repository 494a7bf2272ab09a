/** A patch without the fields that are there but undefined: absence leaves a field as it is. */
export function definedFields<T extends object>(patch: T): Partial<T> {
  const fields: Partial<T> = { ...patch };
  for (const key in fields) if (fields[key] === undefined) delete fields[key];
  return fields;
}
