export const USAGE = `Usage: npm start [-- <directory>]

Starts Velocity. With a directory, also previews the project in it, live: saving a file there shows in the preview.

Options:
  --help     this text

Settings come from the environment; the reference lists them (docs/reference/configuration.md).
`;

export type Arguments =
  | { readonly kind: "run"; readonly directory: string | null }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

/** What the command line asks for. Pure. */
export function readArguments(argv: readonly string[]): Arguments {
  if (argv.includes("--help") || argv.includes("-h")) return { kind: "help" };
  const option = argv.find((argument) => argument.startsWith("-"));
  if (option !== undefined) return { kind: "wrong", message: `Unknown option ${option}.` };
  if (argv.length > 1) return { kind: "wrong", message: "Give one directory at most." };
  return { kind: "run", directory: argv[0] ?? null };
}
