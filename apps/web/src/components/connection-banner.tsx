/** Shown while the server does not answer; goes by itself. */
export function ConnectionBanner(props: { readonly lost: boolean }) {
  return (
    <div role="status">
      {props.lost && (
        <p className="mt-4 flex items-center gap-3 rounded-md bg-rest-soft px-4 py-2.5 text-sm font-medium text-rest">
          <span className="size-2 shrink-0 animate-breathe rounded-full bg-current" aria-hidden="true" />
          The server does not answer. Trying to reconnect; what you see may be out of date.
        </p>
      )}
    </div>
  );
}
