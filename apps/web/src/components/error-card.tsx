import { ERRORS, isErrorCode } from "@velocity/contract/errors";
import type { PreviewError } from "@velocity/react";
import type { ReactNode } from "react";
import { plainText } from "../plain-text.ts";

export interface ErrorCardProps {
  readonly error: PreviewError;
  /** The lines are on the page already: they are one click away. */
  readonly folded?: boolean;
  readonly children?: ReactNode;
}

/** What went wrong, what to do about it, and the lines that tell why. */
export function ErrorCard(props: ErrorCardProps) {
  const { error } = props;
  return (
    <div className="w-full max-w-2xl rounded-lg border border-danger/40 bg-raised p-5 text-left">
      <p className="text-sm font-semibold text-danger">{titleOf(error.code)}</p>
      <p className="mt-1 break-words">{error.message}</p>
      <p className="mt-1 text-sm text-muted">{adviceOf(error.code)}</p>
      {error.errors.length > 0 && (
        <ul className="mt-3 space-y-1 text-sm">
          {error.errors.map((one) => (
            <li key={`${one.path} ${one.code}`}>
              <code className="font-mono text-danger">{one.path}</code> {one.message}
            </li>
          ))}
        </ul>
      )}
      {error.log.length > 0 && (
        <details open={props.folded !== true} className="mt-3">
          <summary className="text-sm font-medium text-muted hover:text-ink">Last lines</summary>
          <pre
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
            tabIndex={0}
            className="mt-2 max-h-56 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs leading-5"
          >
            {error.log.map(plainText).join("\n")}
          </pre>
        </details>
      )}
      <p className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-3">
        {props.children}
        <span className="font-mono text-xs text-muted">
          {error.code}
          {error.requestId !== null && ` · ${error.requestId}`}
        </span>
      </p>
    </div>
  );
}

function titleOf(code: string): string {
  if (isErrorCode(code)) return ERRORS[code].title;
  return code === "network_error" ? "The server does not answer" : "Something went wrong";
}

function adviceOf(code: string): string {
  if (isErrorCode(code)) return ERRORS[code].advice;
  return code === "network_error"
    ? "Check that Velocity is running (npm start), then try again."
    : "Try again.";
}
