import { gzipSync } from "node:zlib";

const BLOCK = 512;

/** One entry, written byte for byte as told, however wrong. */
export interface RawEntry {
  readonly name: string;
  /** Type flag: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` pipe, … */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Uint8Array;
  /** What the header says, where that is not the content's size. */
  readonly size?: number;
}

/** A tar by hand: no library between the test and the bytes. */
export function rawTar(entries: readonly RawEntry[], end = true): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(end ? 2 * BLOCK : 0)]);
}

export function rawArchive(...entries: RawEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

/** A pax header: its records count for the entry after it. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): RawEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (rest + String(length).length !== length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return { name: "PaxHeader/x", type, content: lines.join("") };
}

function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const header = Buffer.alloc(BLOCK);
  header.write(entry.name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${(entry.size ?? content.length).toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(entry.type ?? "0", 156);
  header.write(entry.link ?? "", 157, 100, "utf8");
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, padding]);
}
