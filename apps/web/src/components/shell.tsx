import { type ReactNode, useEffect } from "react";
import { Link, useRouter } from "../router.tsx";
import { DEMO_PATH, HOME_PATH } from "../routes.ts";

/** The frame of every page: name, ways to the others, one main region. */
export function Shell(props: {
  readonly title: string;
  readonly wide?: boolean;
  readonly children: ReactNode;
}) {
  const { route } = useRouter();
  useEffect(() => {
    document.title = props.title === "Projects" ? "Velocity" : `${props.title} · Velocity`;
  }, [props.title]);
  const width = props.wide === true ? "max-w-[110rem]" : "max-w-5xl";
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:left-3 focus:top-3 focus:bg-raised focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <header className="border-b border-line">
        <div className={`mx-auto flex h-14 w-full items-center gap-6 px-4 sm:px-6 ${width}`}>
          <Link
            to={HOME_PATH}
            className="flex items-center gap-2 font-semibold tracking-tight"
            aria-label="Velocity, home"
          >
            <Mark />
            <span>Velocity</span>
          </Link>
          <nav aria-label="Pages" className="ml-auto flex gap-5 text-sm">
            <NavLink to={HOME_PATH} current={route.kind === "home"}>
              Projects
            </NavLink>
            <NavLink to={DEMO_PATH} current={route.kind === "demo"}>
              Demo
            </NavLink>
          </nav>
        </div>
      </header>
      <main id="main" tabIndex={-1} className={`mx-auto w-full flex-1 px-4 outline-none sm:px-6 ${width}`}>
        {props.children}
      </main>
    </div>
  );
}

function NavLink(props: { readonly to: string; readonly current: boolean; readonly children: string }) {
  return (
    <Link
      to={props.to}
      aria-current={props.current ? "page" : undefined}
      className="py-1 text-muted underline-offset-[6px] hover:text-ink aria-[current=page]:text-ink aria-[current=page]:underline aria-[current=page]:decoration-accent aria-[current=page]:decoration-2"
    >
      {props.children}
    </Link>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 24 24" className="size-6" aria-hidden="true">
      <path
        d="M3 6l5 12M10 6l5 12M17 6l3.2 7.7"
        className="stroke-accent"
        strokeWidth="2.6"
        strokeLinecap="round"
        fill="none"
      />
    </svg>
  );
}
