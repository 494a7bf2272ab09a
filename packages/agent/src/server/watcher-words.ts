/** `node --watch` and nodemon stay when the program that they watch over has ended; all that tells is what they print. */
const ENDED = [
  /^(Failed|Completed) running .*\. Waiting for file changes before restarting\.\.\.$/,
  /^\[nodemon\] (app crashed|clean exit) - waiting /,
] as const;

/** Whether this line of output says that a watcher waits for a change because its program has ended. */
export function saysProgramEnded(line: string): boolean {
  return ENDED.some((words) => words.test(line));
}
