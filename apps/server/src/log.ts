import { type Logger, pino } from "pino";
import pretty from "pino-pretty";

/** The server's logger: pretty for a person at a terminal, one JSON object a line otherwise. Logs go to stderr. */
export function createLog(level: string, forPerson: boolean): Logger {
  if (!forPerson) return pino({ level, base: null }, pino.destination({ fd: 2, sync: true }));
  return pino(
    // A person sees what needs attention; routine operation is what the pages show.
    { level: level === "info" ? "warn" : level, base: null },
    pretty({ destination: 2, sync: true, translateTime: "HH:MM:ss", ignore: "pid,hostname" }),
  );
}
