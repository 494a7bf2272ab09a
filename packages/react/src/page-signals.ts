/** What a session wants to know of the page it is shown on. */
export interface PageSignals {
  isVisible(): boolean;
  /** Milliseconds since the epoch of the last key or pointer press on the page itself; 0: none. */
  lastInputAt(): number;
  /** Begins listening; called when the page comes back to the front. Returns the end of it. */
  listen(onVisible: () => void): () => void;
}

/** Signals of the current document; where there is none (a server render), a page that is always visible. */
export function documentSignals(): PageSignals {
  if (typeof document === "undefined") {
    return { isVisible: () => true, lastInputAt: () => 0, listen: () => () => undefined };
  }
  let lastInputAt = 0;
  return {
    isVisible: () => document.visibilityState === "visible",
    lastInputAt: () => lastInputAt,
    listen(onVisible) {
      const onInput = () => {
        lastInputAt = Date.now();
      };
      const onChange = () => {
        if (document.visibilityState === "visible") onVisible();
      };
      document.addEventListener("visibilitychange", onChange);
      window.addEventListener("online", onVisible);
      document.addEventListener("pointerdown", onInput, { passive: true });
      document.addEventListener("keydown", onInput, { passive: true });
      return () => {
        document.removeEventListener("visibilitychange", onChange);
        window.removeEventListener("online", onVisible);
        document.removeEventListener("pointerdown", onInput);
        document.removeEventListener("keydown", onInput);
      };
    },
  };
}
