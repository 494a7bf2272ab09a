import { request } from "node:http";

/** One request by Host, whatever the name resolves to. */
export function getPage(
  port: number,
  host: string,
  path: string,
): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (res) => {
      let bytes = 0;
      res.on("data", (piece: Buffer) => {
        bytes += piece.length;
      });
      res.on("end", () => resolve({ status: res.statusCode ?? 0, bytes }));
      res.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
