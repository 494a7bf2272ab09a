import type { ButtonHTMLAttributes } from "react";

type ButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> & {
  readonly look?: "solid" | "plain" | "quiet";
  readonly unavailable?: boolean;
};

const LOOKS = {
  solid: "bg-accent text-on-accent border-transparent hover:bg-accent-strong",
  plain: "bg-raised text-ink border-line hover:border-muted",
  quiet: "border-transparent text-muted hover:text-ink hover:bg-sunken",
} as const;

/** `unavailable` keeps the button focusable: a button that vanishes from under the keyboard loses the person's place. */
export function Button({
  look = "plain",
  unavailable = false,
  onClick,
  className = "",
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={unavailable || undefined}
      onClick={unavailable ? (event) => event.preventDefault() : onClick}
      className={`inline-flex h-9 items-center justify-center gap-2 whitespace-nowrap rounded-md border px-3.5 text-sm font-semibold transition-colors aria-disabled:cursor-default aria-disabled:border-line aria-disabled:bg-transparent aria-disabled:text-muted aria-disabled:opacity-60 ${LOOKS[look]} ${className}`}
    />
  );
}
