/**
 * How many leading folders of an archive are packaging and not project: 1 where everything is in one folder, as in what
 * `git archive --prefix` and code hosts give. An archive that names its own root (`tar -C project .`) has none.
 */
export class CommonFolder {
  #first: string | null = null;
  #single = true;

  /** Every entry is told, skipped ones too: a `node_modules` beside `src` says that `src` is no packaging. */
  see(segments: readonly string[], kind: "file" | "folder"): void {
    const [first] = segments;
    if (first === undefined || (segments.length === 1 && kind === "file")) {
      this.#single = false;
      return;
    }
    this.#first ??= first;
    if (this.#first !== first) this.#single = false;
  }

  seeRoot(): void {
    this.#single = false;
  }

  get depth(): 0 | 1 {
    return this.#single && this.#first !== null ? 1 : 0;
  }
}
