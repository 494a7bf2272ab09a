import type { Resolve } from "./egress-dial.ts";

const KEPT_MS = 30_000;
const ATTEMPTS = 3;
const MAX_NAMES = 100;

/**
 * Asks for each name once and remembers the answer for a while. An installer opens hundreds of connections to one registry
 * within a second or two: as many look-ups of one name are more than some name servers answer.
 */
export function rememberingResolve(resolve: Resolve, now: () => number): Resolve {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<readonly string[]> }>();
  return (host) => {
    const found = known.get(host);
    if (found !== undefined && now() - found.at < KEPT_MS) return found.answer;
    const answer = attempt(resolve, host, ATTEMPTS);
    if (known.size >= MAX_NAMES) known.clear();
    known.set(host, { at: now(), answer });
    answer.catch(() => {
      if (known.get(host)?.answer === answer) known.delete(host);
    });
    return answer;
  };
}

async function attempt(resolve: Resolve, host: string, left: number): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    if (left <= 1) throw error;
    return attempt(resolve, host, left - 1);
  }
}
