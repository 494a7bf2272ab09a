import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContainerId, VelocityError } from "@velocity/contract";

/** Containers that one installation can have at a time, as far as host uids go. */
export const UIDS_PER_INSTALL = 10_000;
/** A part of the uid space that neither distributions, directories, subuid ranges nor systemd use (systemd UIDS-GIDS.md). */
const FIRST = 1_900_000_000;
const RANGES = 20_000;

/** The first uid of an installation's own range, so that two on one machine do not share uids. */
export function firstUidOf(installId: string): number {
  const hash = createHash("sha256").update(installId).digest().readUInt32BE(0);
  return FIRST + (hash % RANGES) * UIDS_PER_INSTALL;
}

/** Host uids, one per live container. A uid is held by a file of its name: no two containers, also of two processes, get the same. */
export class UidRange {
  readonly #folder: string;
  readonly #first: number;
  #next = 0;

  constructor(folder: string, first: number) {
    this.#folder = folder;
    this.#first = first;
  }

  /** Throws `no_capacity` when all are taken. */
  async allocate(id: ContainerId): Promise<number> {
    for (let tried = 0; tried < UIDS_PER_INSTALL; tried++) {
      const uid = this.#first + this.#next;
      this.#next = (this.#next + 1) % UIDS_PER_INSTALL;
      try {
        await writeFile(join(this.#folder, String(uid)), id, { flag: "wx", mode: 0o600 });
        return uid;
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
    }
    throw new VelocityError("no_capacity", "Too many previews on this machine.");
  }

  async release(uid: number, id: ContainerId): Promise<void> {
    const path = join(this.#folder, String(uid));
    const holder = await readFile(path, "utf8").catch(() => null);
    if (holder === id) await rm(path, { force: true });
  }

  /** Gives back what no container holds any more. Only while no `allocate` is under way. */
  async sweep(isHeld: (uid: number, id: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const id = await readFile(path, "utf8").catch(() => null);
      if (id !== null && !isHeld(Number(name), id)) await rm(path, { force: true });
    }
  }
}
