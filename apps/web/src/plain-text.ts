// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals begin with one
const TERMINAL_SEQUENCES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g;

/** Text as a terminal would show it, without its colours and cursor moves. */
export function plainText(text: string): string {
  return text.replace(TERMINAL_SEQUENCES, "");
}
