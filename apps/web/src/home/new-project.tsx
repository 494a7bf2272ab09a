import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { toPreviewError, useVelocity } from "@velocity/react";
import { type FormEvent, useId, useState } from "react";
import { Button } from "../components/button.tsx";
import { ErrorCard } from "../components/error-card.tsx";
import { useRouter } from "../router.tsx";
import { projectPath } from "../routes.ts";

/** Makes a project from a template, and goes to its page with the preview already starting. */
export function NewProject() {
  const client = useVelocity();
  const queries = useQueryClient();
  const { navigate } = useRouter();
  const nameId = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState("");
  const templates = useQuery({
    queryKey: ["templates"],
    queryFn: ({ signal }) => client.templates.list({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const items = templates.data?.items ?? [];
  const template =
    items.find((one) => one.id === chosen) ?? items.find((one) => one.id === "react") ?? items[0];
  const create = useMutation({
    mutationFn: (made: { name: string; template: string }) => client.projects.create(made),
    onSuccess: async (project) => {
      navigate(projectPath(project.id), { autoStart: true });
      await queries.invalidateQueries({ queryKey: ["projects"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (template === undefined || create.isPending) return;
    create.mutate({ name: name.trim() || `My ${template.title} app`, template: template.id });
  };

  return (
    <section aria-labelledby="new-heading">
      <h2 id="new-heading" className="display text-xl">
        Make a project
      </h2>
      {templates.isPending ? (
        <p className="mt-3 text-sm text-muted" role="status">
          Loading templates…
        </p>
      ) : template === undefined ? (
        <p className="mt-3 text-sm text-muted">
          {templates.error === null ? "This server has no templates." : "The templates could not be loaded."}
        </p>
      ) : (
        <form onSubmit={submit} className="mt-4">
          <fieldset>
            <legend className="eyebrow">Template</legend>
            <div className="mt-2 grid gap-2 sm:grid-cols-2">
              {items.map((one) => (
                <label
                  key={one.id}
                  className="cursor-pointer rounded-md border border-line bg-raised px-3.5 py-2.5 hover:border-muted has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent"
                >
                  <input
                    type="radio"
                    name="template"
                    value={one.id}
                    checked={one.id === template.id}
                    onChange={() => setChosen(one.id)}
                    className="sr-only"
                  />
                  <span className="block text-sm font-semibold">{one.title}</span>
                  <span className="mt-0.5 line-clamp-2 block text-xs text-muted">{one.description}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <label htmlFor={nameId} className="eyebrow mt-5 block">
            Name
          </label>
          <div className="mt-2 flex flex-wrap gap-2">
            <input
              id={nameId}
              value={name}
              maxLength={120}
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
              placeholder={`My ${template.title} app`}
              className="h-9 min-w-0 flex-[1_1_12rem] rounded-md border border-line bg-raised px-3 text-sm placeholder:text-muted"
            />
            <Button type="submit" look="solid" unavailable={create.isPending}>
              Create project
            </Button>
          </div>
          {create.error !== null && (
            <div className="mt-4" role="alert">
              <ErrorCard error={toPreviewError(create.error)} />
            </div>
          )}
        </form>
      )}
    </section>
  );
}
