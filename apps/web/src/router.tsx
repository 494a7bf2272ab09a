import {
  type AnchorHTMLAttributes,
  createContext,
  type MouseEvent,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";
import { matchRoute, type Route } from "./routes.ts";

export interface Router {
  readonly route: Route;
  /** What the page that navigated here left for this one; gone after a reload in a new tab. */
  readonly state: unknown;
  navigate(path: string, state?: unknown): void;
}

const RouterContext = createContext<Router | null>(null);

function readLocation() {
  return { path: window.location.pathname, state: window.history.state as unknown };
}

/** Routes over the history API: back and forward work, links are real links. */
export function RouterProvider(props: { readonly children: ReactNode }) {
  const [location, setLocation] = useState(readLocation);
  useEffect(() => {
    const onPop = () => setLocation(readLocation());
    window.addEventListener("popstate", onPop);
    return () => window.removeEventListener("popstate", onPop);
  }, []);
  const router = useMemo<Router>(
    () => ({
      route: matchRoute(location.path),
      state: location.state,
      navigate(path, state = null) {
        window.history.pushState(state, "", path);
        window.scrollTo(0, 0);
        setLocation(readLocation());
      },
    }),
    [location],
  );
  return <RouterContext value={router}>{props.children}</RouterContext>;
}

export function useRouter(): Router {
  const router = useContext(RouterContext);
  if (router === null) throw new Error("useRouter needs <RouterProvider>.");
  return router;
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> & { readonly to: string };

export function Link({ to, children, ...rest }: LinkProps) {
  const { navigate } = useRouter();
  const onClick = (event: MouseEvent<HTMLAnchorElement>) => {
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a {...rest} href={to} onClick={onClick}>
      {children}
    </a>
  );
}
