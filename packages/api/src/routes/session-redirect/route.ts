import { sessionIdSchema, VelocityError } from "@velocity/contract";
import { sessionUrl } from "../../views/session-view.ts";
import type { RegisterRoute } from "../route-deps.ts";

const PATH = /^\/session\/([^/]+)(\/.*)?$/;

/**
 * `/session/<id>[/rest]`: to the session's own host. Asks no database: whether there is such a session, and who may see
 * it, is told at that host, where every unknown id looks the same.
 */
export const registerSessionRedirect: RegisterRoute = (app, { config }) => {
  app.on(["GET", "HEAD"], "/session/*", (c) => {
    const { pathname, search } = new URL(c.req.url);
    const [, id = "", rest = "/"] = PATH.exec(pathname) ?? [];
    const parsed = sessionIdSchema.safeParse(id);
    if (!parsed.success) throw new VelocityError("not_found", "There is no preview at this address.");
    c.header("cache-control", "no-store");
    return c.redirect(`${sessionUrl(parsed.data, config)}${rest}${search}`, 302);
  });
};
