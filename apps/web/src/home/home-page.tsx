import { useQuery } from "@tanstack/react-query";
import { toPreviewError, useVelocity } from "@velocity/react";
import { VelocityNetworkError } from "@velocity/sdk";
import { Button } from "../components/button.tsx";
import { ConnectionBanner } from "../components/connection-banner.tsx";
import { ErrorCard } from "../components/error-card.tsx";
import { LinkHint } from "./link-hint.tsx";
import { NewProject } from "./new-project.tsx";
import { ProjectList } from "./project-list.tsx";

const POLL_MS = 4_000;

/** All projects with what they are doing, and the ways to get one more. */
export function HomePage() {
  const client = useVelocity();
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => client.projects.list({}, { signal }),
    refetchInterval: POLL_MS,
  });
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => client.sessions.list({}, { signal }),
    refetchInterval: POLL_MS,
  });
  const lost = projects.data !== undefined && projects.error instanceof VelocityNetworkError;
  return (
    <div className="pb-16 pt-8 sm:pt-12">
      <h1 className="display max-w-2xl text-3xl sm:text-[2.6rem]">Your projects, running.</h1>
      <p className="mt-3 max-w-prose text-pretty text-muted">
        Each one has a dev server in a container of its own, at an address that stays the same.
      </p>
      <ConnectionBanner lost={lost} />
      <section aria-labelledby="projects-heading" className="mt-10">
        <h2 id="projects-heading" className="eyebrow">
          Projects
        </h2>
        <div className="mt-2">
          {projects.data !== undefined ? (
            <ProjectList projects={projects.data.items} sessions={sessions.data?.items ?? null} />
          ) : projects.error !== null ? (
            <div role="alert">
              <ErrorCard error={toPreviewError(projects.error)}>
                <Button look="solid" onClick={() => void projects.refetch()}>
                  Try again
                </Button>
              </ErrorCard>
            </div>
          ) : (
            <ListSkeleton />
          )}
        </div>
      </section>
      <div className="mt-14 grid gap-x-12 gap-y-12 md:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
        <NewProject />
        <LinkHint />
      </div>
    </div>
  );
}

function ListSkeleton() {
  return (
    <div className="border-t border-line" role="status">
      <span className="sr-only">Loading projects</span>
      {["w-40", "w-56", "w-32"].map((width) => (
        <div key={width} className="flex h-16 items-center border-b border-line">
          <span className={`h-3 animate-breathe rounded bg-sunken ${width}`} />
        </div>
      ))}
    </div>
  );
}
