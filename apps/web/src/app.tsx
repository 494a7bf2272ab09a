import { Shell } from "./components/shell.tsx";
import { DEMO_PROJECT } from "./demo-project.ts";
import { HomePage } from "./home/home-page.tsx";
import { NotFoundPage } from "./not-found-page.tsx";
import { useRouter } from "./router.tsx";
import { ProjectPage } from "./session/project-page.tsx";

export function App() {
  const { route } = useRouter();
  switch (route.kind) {
    case "home":
      return (
        <Shell title="Projects">
          <HomePage />
        </Shell>
      );
    case "demo":
      return (
        <Shell title="Container preview" wide>
          <ProjectPage key={DEMO_PROJECT} projectId={DEMO_PROJECT} demo />
        </Shell>
      );
    case "project":
      return (
        <Shell title="Project preview" wide>
          <ProjectPage key={route.id} projectId={route.id} demo={false} />
        </Shell>
      );
    case "not-found":
      return (
        <Shell title="Page not found">
          <NotFoundPage what="page" />
        </Shell>
      );
  }
}
