import { useEffect, useState } from "react";

/** Copies text and says so. `label` names what is copied. */
export function CopyButton(props: {
  readonly text: string;
  readonly label: string;
  readonly className?: string;
}) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 1_600);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    // The clipboard exists only on secure origins; *.localhost counts as one, a plain-http domain does not.
    const written = navigator.clipboard?.writeText(props.text) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => setState("copied"),
      () => setState("failed"),
    );
  };
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={`Copy ${props.label}`}
      className={`rounded px-1.5 py-0.5 text-xs font-semibold text-accent hover:bg-accent-soft ${props.className ?? ""}`}
    >
      <span aria-live="polite">
        {state === "copied" ? "Copied" : state === "failed" ? "Select it" : "Copy"}
      </span>
    </button>
  );
}
