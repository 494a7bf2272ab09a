import { type PreviewSessionHandle, useSessionLog } from "@velocity/react";
import { useLayoutEffect, useRef, useState } from "react";
import { plainText } from "../plain-text.ts";

/** The last lines that installer and dev server wrote, live. */
export function SessionLog(props: { readonly session: PreviewSessionHandle }) {
  const { session, status } = props.session;
  const [open, setOpen] = useState(true);
  const alive = status === "running" || status === "starting";
  const lines = useSessionLog(props.session);
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what it follows
  useLayoutEffect(() => {
    const element = box.current;
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [lines]);

  if (session === null || (!alive && lines.length === 0)) return null;
  return (
    <details
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      className="min-w-0 rounded-xl border border-line bg-raised"
    >
      <summary className="eyebrow px-4 py-2.5">Log</summary>
      <pre
        ref={box}
        role="log"
        aria-label="Log of the preview"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
        className="h-44 overflow-auto border-t border-line px-4 py-3 font-mono text-xs leading-5"
      >
        {lines.length === 0 ? (
          <span className="text-muted">No lines yet.</span>
        ) : (
          lines.map((line, index) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity of their own
              key={index}
              className={`block whitespace-pre-wrap break-words ${line.stream === "stderr" ? "text-danger" : ""}`}
            >
              {plainText(line.text) || "\u00a0"}
            </span>
          ))
        )}
      </pre>
    </details>
  );
}
