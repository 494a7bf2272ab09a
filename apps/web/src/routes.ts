/** A page of ours. Used by the router, and by the server to tell pages from addresses that do not exist. */
export type Route =
  | { readonly kind: "home" }
  | { readonly kind: "demo" }
  | { readonly kind: "project"; readonly id: string }
  | { readonly kind: "not-found" };

const PROJECT = /^\/project\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;

/** Which page an address names; one trailing slash does not matter. */
export function matchRoute(pathname: string): Route {
  const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  if (path === "/") return { kind: "home" };
  if (path === "/demo/container-preview") return { kind: "demo" };
  const project = PROJECT.exec(path)?.[1];
  return project === undefined ? { kind: "not-found" } : { kind: "project", id: project.toLowerCase() };
}

export const HOME_PATH = "/";
export const DEMO_PATH = "/demo/container-preview";
export function projectPath(id: string): string {
  return `/project/${id}`;
}
