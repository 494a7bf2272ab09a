import { TrieRouter } from "hono/router/trie-router";

/** Which methods a path answers to. */
export interface AllowTable {
  /** Empty: there is nothing at this path. */
  methods(path: string): readonly string[];
}

/** Built from the registered routes, so that it can never disagree with them. */
export function allowTable(
  routes: readonly { readonly method: string; readonly path: string }[],
): AllowTable {
  const router = new TrieRouter<{ readonly method: string; readonly path: string }>();
  const known = new Set<string>();
  for (const { method, path } of routes) {
    if (method === "ALL" || known.has(`${method} ${path}`)) continue;
    known.add(`${method} ${path}`);
    router.add("ANY", path, { method, path });
  }
  return {
    methods(path) {
      const matches = router.match("ANY", path)[0].map(([route]) => route);
      // `/api/sessions/start` is never the session "start".
      const literal = matches.filter((route) => route.path === path);
      const found = new Set((literal.length > 0 ? literal : matches).map((route) => route.method));
      if (found.size === 0) return [];
      if (found.has("GET")) found.add("HEAD");
      found.add("OPTIONS");
      return [...found].sort();
    },
  };
}
