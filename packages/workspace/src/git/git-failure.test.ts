import { expect, test } from "vitest";
import { fetchFailure } from "./git-failure.ts";

const source = { url: "https://host.example/app.git" };
const told = (line: string, more: { code?: number; refused?: string[]; ref?: string } = {}) => {
  const asked = more.ref === undefined ? source : { ...source, ref: more.ref };
  return fetchFailure(asked, { code: more.code ?? 128, log: [line], refused: more.refused ?? [] })
    .publicMessage;
};

test.each([
  ["sh: 5: git: not found", { code: 127 }, "Git is not installed on the server."],
  ["fatal: could not read Username for 'https://x': terminal prompts disabled", {}, /needs a sign-in/],
  ["fatal: unable to access 'https://x': The requested URL returned error: 403", {}, /needs a sign-in/],
  ["fatal: repository 'https://x/' not found", {}, /no repository at this address/],
  [
    "fatal: https://x/info/refs not valid: is this a git repository?",
    {},
    "There is no repository at this address.",
  ],
  ["fatal: unable to access 'x': server certificate verification failed. CAfile: none", {}, /certificate/],
  ["fatal: couldn't find remote ref HEAD", {}, "The repository is empty."],
  ["fatal: couldn't find remote ref x", { ref: "x" }, /no branch, tag or commit x /],
  ["fatal: dumb http transport does not support shallow capabilities", {}, /old way/],
  ["fatal: write error: File too large", {}, /too large/],
  [
    "fatal: CONNECT tunnel failed, response 403",
    { refused: ["private and local addresses x"] },
    /private or local/,
  ],
  ["fatal: CONNECT tunnel failed", { refused: ["the host does not answer"] }, /cannot be reached: the host/],
  ["fatal: something else", {}, "Git could not fetch the repository."],
])("%s", (line, more, message) => {
  expect(told(line, more)).toMatch(message);
});
