import { VelocityError } from "@velocity/contract";

const SHOWN_CHARACTERS = 200;

/** The archive could do harm, or is larger than allowed. `entry` is named where one is to blame. */
export function unsafeArchive(reason: string, entry?: string): VelocityError {
  const message =
    entry === undefined ? `The archive ${reason}.` : `The archive's entry ${shown(entry)} ${reason}.`;
  return new VelocityError("unsafe_archive", message, {
    errors: [{ path: "body", code: "unsafe_archive", message }],
  });
}

/** The bytes are not a whole tar.gz archive. */
export function damagedArchive(message: string, cause?: unknown): VelocityError {
  return new VelocityError("validation", message, {
    errors: [{ path: "body", code: "damaged_archive", message }],
    cause,
  });
}

/** A name as it may be shown: in quotes, with every character visible, and not endless. */
function shown(name: string): string {
  const visible = name.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return `"${visible.length > SHOWN_CHARACTERS ? `${visible.slice(0, SHOWN_CHARACTERS)}…` : visible}"`;
}
