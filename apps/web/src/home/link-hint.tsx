import { CopyButton } from "../components/copy-button.tsx";

const COMMAND = "npm start -- ./my-app";

/** How a directory that is already there becomes a project. */
export function LinkHint() {
  return (
    <section aria-labelledby="link-heading">
      <h2 id="link-heading" className="display text-xl">
        Or bring your own
      </h2>
      <p className="mt-3 text-sm text-muted">
        Already have an app on this machine? Start Velocity with its directory. It stays where it is, and
        every save shows at once.
      </p>
      <p className="mt-4 flex items-center justify-between gap-3 rounded-md bg-sunken px-3.5 py-2.5">
        <code className="min-w-0 truncate font-mono text-sm">{COMMAND}</code>
        <CopyButton text={COMMAND} label="the command" />
      </p>
    </section>
  );
}
