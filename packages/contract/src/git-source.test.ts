import { expect, test } from "vitest";
import { createProjectSchema } from "./project.ts";

const field = (git: unknown): string | null => {
  const parsed = createProjectSchema.safeParse({ name: "x", git });
  return parsed.success ? null : (parsed.error.issues[0]?.path.join(".") ?? "");
};

test("repositories over HTTP, with branches, tags, commits and folders, are taken", () => {
  for (const git of [
    { url: "https://github.com/acme/app" },
    { url: "http://git.corp:3000/acme/app.git", ref: "feature/x-1.2#7", directory: "packages/web" },
    { url: "HTTPS://github.com/acme/app", ref: "0123456789abcdef0123456789abcdef01234567" },
    { url: "https://github.com/acme/app", ref: "@scope/pkg@1.0.0".slice(1), directory: "-x" },
  ])
    expect(field(git)).toBeNull();
});

test("other protocols, logins, options and anything that git would read as more than an address are refused", () => {
  for (const url of [
    ...["file:///etc", "/etc/passwd", "ssh://git@host/x", "git@host:x", "git://host/x", "ext::sh -c id"],
    ...[
      "http::ext::x",
      "--upload-pack=touch /tmp/x",
      "-u",
      "https://user:secret@host/x",
      "https://user@host/x",
    ],
    ...[
      "https://host/x?token=1",
      "https://host/x#y",
      "https://host/x y",
      "https://host/\nx",
      " https://host/x",
    ],
    ...["https://", "https:\\\\host\\x", "https:///", "", `https://host/${"x".repeat(2048)}`],
  ])
    expect([url, field({ url })]).toEqual([url, "git.url"]);
});

test("refspecs, revision operators, options and paths that lead out are refused", () => {
  const url = "https://host/x";
  for (const ref of [
    ...[
      "-x",
      "--upload-pack=x",
      "+main",
      "a:b",
      "main:refs/heads/x",
      "a..b",
      "a^",
      "a~1",
      "a b",
      "@",
      "a@{1}",
    ],
    ...["", "a/", "a.", "a.lock", "a//b", ":/x", "*", "a\nb", "a\\b", "x".repeat(251)],
  ])
    expect([ref, field({ url, ref })]).toEqual([ref, "git.ref"]);
  for (const directory of ["..", "../x", "/etc", "a/../b", ".git", "a\\b", "", "node_modules"])
    expect([directory, field({ url, directory })]).toEqual([directory, "git.directory"]);
  expect(field({ url, depth: 1 })).toBe("git");
});
