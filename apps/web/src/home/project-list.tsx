import type { Project, Session } from "@velocity/contract";
import { pickSession } from "@velocity/react";
import { StateChip } from "../components/state-chip.tsx";
import { DEMO_PROJECT } from "../demo-project.ts";
import { Link } from "../router.tsx";
import { DEMO_PATH, projectPath } from "../routes.ts";
import { sessionWord } from "../session/session-words.ts";

export interface ProjectListProps {
  readonly projects: readonly Project[];
  /** Null: not known yet. */
  readonly sessions: readonly Session[] | null;
}

export function ProjectList({ projects, sessions }: ProjectListProps) {
  if (projects.length === 0) {
    return (
      <div className="border-y border-line py-10">
        <p className="font-semibold">No projects yet.</p>
        <p className="mt-1 max-w-prose text-sm text-muted">
          Make one from a template below, or{" "}
          <Link to={DEMO_PATH} className="link">
            open the demo
          </Link>{" "}
          to see how it feels.
        </p>
      </div>
    );
  }
  return (
    <ul className="border-t border-line">
      {projects.map((project) => {
        const own = sessions?.filter((one) => one.projectId === project.id) ?? [];
        return (
          <li key={project.id} className="border-b border-line">
            <Link
              to={project.id === DEMO_PROJECT ? DEMO_PATH : projectPath(project.id)}
              className="group -mx-3 flex items-center justify-between gap-4 rounded-md px-3 py-3.5 hover:bg-raised"
            >
              <span className="min-w-0">
                <span className="block truncate font-semibold group-hover:text-accent">{project.name}</span>
                <span className="block truncate text-sm text-muted">{originOf(project)}</span>
              </span>
              {sessions !== null && <StateChip word={sessionWord(pickSession(own))} />}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function originOf(project: Project): string {
  if (project.directory !== null) return project.directory;
  if (project.template !== null) return `${project.template} template`;
  return project.source;
}
