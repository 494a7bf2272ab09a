import { request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One GET over a connection of its own to 127.0.0.1, with a Host of one's choice (Node does not resolve `*.localhost`). */
export function get(
  port: number,
  host: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path, agent: false, headers: { host, ...headers } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end();
  });
}

/** Asks again every 2 ms until the answer is 200: how long a person waits for a server that is starting. */
export async function getWhenUp(
  port: number,
  host: string,
  path: string,
  deadlineMs = 60_000,
): Promise<Answer> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const answer = await get(port, host, path).catch(() => null);
    if (answer?.status === 200) return answer;
    if (performance.now() > until)
      throw new Error(`${host}${path} did not come up: ${answer?.status ?? "refused"}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
