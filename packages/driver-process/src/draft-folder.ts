import { identifyProcess, isSameProcessAlive, readBootId } from "@velocity/sandbox";

/** Folder of a container in the making: its name says which process makes it. */
export function draftName(containerId: string): string {
  const me = identifyProcess(process.pid);
  return `.draft-${process.pid}-${me?.startTime ?? "0"}-${containerId}`;
}

/** A folder on its way out; nothing of it runs. */
export function trashName(containerId: string, at: number): string {
  return `.trash-${at}-${containerId}`;
}

/** Whether a folder is a leftover: trash, or a draft whose maker is gone. */
export function isLeftover(name: string): boolean {
  if (name.startsWith(".trash-")) return true;
  const draft = /^\.draft-(\d+)-(\d+)-/.exec(name);
  const [, pid, startTime] = draft ?? [];
  if (pid === undefined || startTime === undefined) return false;
  const bootId = readBootId();
  return startTime === "0" || !isSameProcessAlive({ pid: Number(pid), startTime, bootId }, bootId);
}
