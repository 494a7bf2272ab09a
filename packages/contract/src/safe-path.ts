/** Longest path and deepest nesting that every engine and file system we support can take. */
export const MAX_PATH_BYTES = 1024;

/** Whether a path stays inside the folder it is joined to, on every platform. */
export function isSafePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (path === "" || path.startsWith("/") || /[\\\u0000-\u001f]/.test(path) || /^[a-zA-Z]:/.test(path))
    return false;
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return false;
  return segments[0] !== ".git" && !segments.includes("node_modules");
}
