import type { StateWord } from "../session/session-words.ts";

const TONES = {
  live: "bg-accent-soft text-accent",
  busy: "bg-accent-soft text-accent",
  rest: "bg-rest-soft text-rest",
  bad: "bg-danger-soft text-danger",
  none: "bg-sunken text-muted",
} as const;

/** A state in one word, with a dot that does not rely on colour alone: it is filled only while something runs. */
export function StateChip(props: { readonly word: StateWord }) {
  const { tone, text } = props.word;
  const dot =
    tone === "live"
      ? "bg-current"
      : tone === "busy"
        ? "bg-current animate-breathe"
        : "border-[1.5px] border-current";
  return (
    <span
      className={`inline-flex items-center gap-2 whitespace-nowrap rounded-full py-0.5 pl-2 pr-2.5 text-xs font-semibold ${TONES[tone]}`}
    >
      <span className={`size-2 rounded-full ${dot}`} aria-hidden="true" />
      {text}
    </span>
  );
}
