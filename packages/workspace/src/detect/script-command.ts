/** A script that is one plain command: no pipes, variables, globs or further commands. */
export interface SimpleCommand {
  /** Assignments before the command (`A=1 vite`, `cross-env A=1 vite`). */
  readonly env: Readonly<Record<string, string>>;
  readonly program: string;
  readonly args: readonly string[];
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;
const WRAPPERS = new Set(["cross-env", "npx", "bunx", "exec"]);

/** Null for anything that needs a shell. */
export function parseSimpleCommand(script: string): SimpleCommand | null {
  const words = splitWords(script.trim());
  if (words === null) return null;
  const env: Record<string, string> = {};
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] ?? "";
    const assignment = ASSIGNMENT.exec(word);
    if (assignment?.[1] !== undefined) env[assignment[1]] = assignment[2] ?? "";
    else if (!WRAPPERS.has(word)) break;
  }
  const program = words[index];
  if (program === undefined) return null;
  return { env, program, args: words.slice(index + 1) };
}

/** The script that `npm run x -- --flag` and its like would run; null where the command is something else. */
export function delegatedScript(
  command: SimpleCommand,
): { readonly name: string; readonly extra: readonly string[] } | null {
  if (!["npm", "pnpm", "yarn", "bun"].includes(command.program)) return null;
  const dashes = command.args.indexOf("--");
  const words = dashes < 0 ? command.args : command.args.slice(0, dashes);
  const extra = dashes < 0 ? [] : command.args.slice(dashes + 1);
  // Words with spaces in them would need their quotes again.
  if ([...words, ...extra].some((word) => /\s/.test(word)) || words.some((word) => word.startsWith("-")))
    return null;
  const [first, second] = words;
  if (first === "run" || first === "run-script")
    return words.length === 2 && second !== undefined ? { name: second, extra } : null;
  if (words.length !== 1 || first === undefined) return null;
  // `npm start` is a script, `npm install` is not; pnpm and yarn run a script by its bare name.
  const bare = first === "start" || command.program === "pnpm" || command.program === "yarn";
  return bare ? { name: first, extra } : null;
}

/** Splits like a POSIX shell would, or gives null where a shell would do more than split. */
function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word = "";
  let open = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? "";
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, index + 1);
      if (end < 0) return null;
      const quoted = text.slice(index + 1, end);
      if (char === '"' && /[$`\\]/.test(quoted)) return null;
      word += quoted;
      open = true;
      index = end;
    } else if (char === " " || char === "\t") {
      if (open) words.push(word);
      word = "";
      open = false;
    } else if (/[|&;<>()$`\\*?[\]{}~#!\n\r]/.test(char)) return null;
    else {
      word += char;
      open = true;
    }
  }
  if (open) words.push(word);
  return words;
}

/**
 * Arguments without the given flags, in every spelling (`--port 1`, `--port=1`). A flag that takes a value also takes
 * the next word, if that is not a flag itself.
 */
export function withoutFlags(
  args: readonly string[],
  flags: { readonly withValue: readonly string[]; readonly bare: readonly string[] },
): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    const name = arg.split("=", 1)[0] ?? arg;
    if (flags.bare.includes(name)) continue;
    if (flags.withValue.includes(name)) {
      const next = args[index + 1];
      if (!arg.includes("=") && next !== undefined && !next.startsWith("-")) index++;
      continue;
    }
    kept.push(arg);
  }
  return kept;
}
