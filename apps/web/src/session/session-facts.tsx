import type { Session } from "@velocity/contract";
import { type PreviewSessionHandle, useNow } from "@velocity/react";
import type { ReactNode } from "react";
import { CopyButton } from "../components/copy-button.tsx";
import { formatAge, formatDuration } from "../format-time.ts";
import { SOURCE_WORDS } from "./session-words.ts";

/** What there is to know about the session, for people who want to know. */
export function SessionFacts(props: { readonly session: PreviewSessionHandle }) {
  const { session, source, timings } = props.session;
  const now = useNow(session === null ? null : 1_000);
  if (session === null) return null;
  const age = now - Date.parse(session.createdAt);
  return (
    <section aria-labelledby="facts-heading">
      <h2 id="facts-heading" className="eyebrow">
        Session
      </h2>
      <dl className="mt-2 border-t border-line text-sm">
        <Fact name="Id">
          <code className="min-w-0 truncate font-mono text-xs" title={session.id}>
            {session.id}
          </code>
          <CopyButton text={session.id} label="the session id" />
        </Fact>
        <Fact name="State">{stateText(session)}</Fact>
        <Fact name="Age">{formatAge(age)}</Fact>
        {session.expiresAt !== null && (
          <Fact name="Ends in">{formatAge(Date.parse(session.expiresAt) - now)}</Fact>
        )}
        <Fact name="Mode">{session.mode}</Fact>
        <Fact name="Health">{session.health.status}</Fact>
        {session.container !== null && (
          <>
            <Fact name="Container">
              <code className="min-w-0 truncate font-mono text-xs" title={session.container.ref}>
                {session.container.id}
              </code>
              <CopyButton text={session.container.id} label="the container id" />
            </Fact>
            <Fact name="Driver">{session.container.driver}</Fact>
            <Fact name="Generation">{session.container.generation}</Fact>
          </>
        )}
        {source !== null && <Fact name="Source">{`${source}: ${SOURCE_WORDS[source]}`}</Fact>}
        {timings?.totalMs != null && <Fact name="Start took">{formatDuration(timings.totalMs)}</Fact>}
      </dl>
    </section>
  );
}

function Fact(props: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-3 border-b border-line py-1.5">
      <dt className="text-muted">{props.name}</dt>
      <dd className="flex min-w-0 items-center justify-between gap-2">{props.children}</dd>
    </div>
  );
}

function stateText(session: Session): string {
  const level = session.level === null ? "" : `, ${session.level}`;
  const operation = session.operation === null ? "" : ` (${session.operation.kind})`;
  return `${session.state}${level}${operation}`;
}
