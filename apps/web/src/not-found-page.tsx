import { Link } from "./router.tsx";
import { HOME_PATH } from "./routes.ts";

export function NotFoundPage(props: { readonly what: "page" | "project" }) {
  return (
    <div className="py-16 sm:py-24">
      <p className="font-mono text-sm text-accent">404</p>
      <h1 className="display mt-2 text-3xl sm:text-4xl">
        {props.what === "page" ? "There is no page at this address." : "There is no project with this id."}
      </h1>
      <p className="mt-4 max-w-prose text-muted">
        {props.what === "page"
          ? "The link may be old, or a letter got lost on the way."
          : "It may have been deleted, or it belongs to someone else."}
      </p>
      <Link to={HOME_PATH} className="link mt-8 inline-block">
        See all projects
      </Link>
    </div>
  );
}
