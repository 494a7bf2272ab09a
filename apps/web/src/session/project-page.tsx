import { useQuery } from "@tanstack/react-query";
import { useVelocity } from "@velocity/react";
import { VelocityApiError } from "@velocity/sdk";
import { NotFoundPage } from "../not-found-page.tsx";
import { useRouter } from "../router.tsx";
import { SessionView } from "./session-view.tsx";

/** The preview of one project. The demo needs no project row to be there: its first start makes it. */
export function ProjectPage(props: { readonly projectId: string; readonly demo: boolean }) {
  const client = useVelocity();
  const { state } = useRouter();
  const project = useQuery({
    queryKey: ["project", props.projectId],
    queryFn: ({ signal }) => client.projects.get(props.projectId, { signal }),
    enabled: !props.demo,
    staleTime: 30_000,
  });
  if (project.error instanceof VelocityApiError && project.error.status === 404) {
    return <NotFoundPage what="project" />;
  }
  const name = props.demo ? "Container preview" : (project.data?.name ?? "Project");
  const about = props.demo
    ? "A real dev server in a container of its own. Start it, click around, stop it, start it again: the page is as you left it."
    : aboutProject(project.data?.directory ?? null, project.data?.template ?? null);
  const autoStart = typeof state === "object" && state !== null && "autoStart" in state;
  return <SessionView projectId={props.projectId} name={name} about={about} autoStart={autoStart} />;
}

function aboutProject(directory: string | null, template: string | null): string {
  if (directory !== null) return `Linked to ${directory}. A save in your editor shows here at once.`;
  if (template !== null) return `Live preview, made from the ${template} template.`;
  return "Live preview of this project.";
}
