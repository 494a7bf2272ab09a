import { listSchema, problemSchema, projectSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { PROJECT_ID, testApi } from "../../testing/test-api.ts";
import { toFileContent } from "./file-write/route.ts";

const fileList = listSchema(z.object({ path: z.string() }));
const project = `/api/projects/${PROJECT_ID}`;

async function apiWithProject() {
  const made = testApi();
  await made.request("POST", "/api/projects", {
    json: {
      id: PROJECT_ID,
      name: "Demo",
      files: [{ path: "index.html", content: "<script>alert(1)</script>" }],
    },
  });
  return made;
}

describe("projects", () => {
  test("201 the first time, 200 the second, with the same project", async () => {
    const { request } = testApi();
    const json = { id: PROJECT_ID, name: "Demo" };
    const first = await request("POST", "/api/projects", { json });
    expect(first.status).toBe(201);
    const again = await request("POST", "/api/projects", { json });
    expect(again.status).toBe(200);
    expect(projectSchema.parse(await again.json())).toEqual(projectSchema.parse(await first.json()));
  });

  test("200 rename, 204 delete, 404 after that", async () => {
    const { request } = await apiWithProject();
    const renamed = await request("PATCH", project, { json: { name: "New" } });
    expect(projectSchema.parse(await renamed.json()).name).toBe("New");
    expect((await request("DELETE", project)).status).toBe(204);
    expect((await request("GET", project)).status).toBe(404);
  });

  test("201 from a Git repository; 422 where another source is given too, and both are named", async () => {
    const { request } = testApi();
    const git = { url: "https://example.test/app.git", ref: "main", directory: "web" };
    const made = await request("POST", "/api/projects", { json: { name: "x", git } });
    expect(made.status).toBe(201);
    expect(projectSchema.parse(await made.json())).toMatchObject({ source: "git", template: null });
    const both = await request("POST", "/api/projects", { json: { name: "x", git, files: [] } });
    expect(both.status).toBe(422);
    const problem = problemSchema.parse(await both.json());
    expect(problem.errors?.map(({ path }) => path)).toEqual(["files", "git"]);
  });

  test("422: an unknown template, two sources, an unsafe path, an unknown field", async () => {
    const { request } = testApi();
    for (const [json, path] of [
      [{ name: "x", template: "cobol" }, "template"],
      [{ name: "x", template: "react", files: [] }, "template"],
      [{ name: "x", files: [{ path: "../../etc/passwd", content: "" }] }, "files.0.path"],
      [{ name: "x", git: "https://example.test" }, "git"],
      [{ name: "x", git: { url: "file:///etc" } }, "git.url"],
      [{ name: "x", git: { url: "https://example.test/x", ref: "--upload-pack=x" } }, "git.ref"],
      [{ name: "  " }, "name"],
    ] as const) {
      const answer = await request("POST", "/api/projects", { json });
      expect(answer.status).toBe(422);
      expect(problemSchema.parse(await answer.json()).errors?.[0]?.path).toBe(path);
    }
  });
});

describe("files", () => {
  test("200: a batch is written, listed and its version told", async () => {
    const { request } = await apiWithProject();
    const put = await request("PUT", `${project}/files`, {
      json: {
        files: [
          { path: "a.txt", content: "a" },
          { path: "b.txt", content: "b" },
        ],
        deletes: ["index.html"],
      },
    });
    expect(await put.json()).toEqual({ version: 2, sessionsNotified: 0 });
    const list = fileList.parse(await (await request("GET", `${project}/files?limit=1`)).json());
    expect(list.items.map((file) => file.path)).toEqual(["a.txt"]);
    const rest = fileList.parse(
      await (await request("GET", `${project}/files?limit=1&cursor=${list.nextCursor}`)).json(),
    );
    expect(rest.items.map((file) => file.path)).toEqual(["b.txt"]);
    expect(rest.nextCursor).toBeNull();
  });

  test("409: behind baseVersion, or behind If-Match", async () => {
    const { request } = await apiWithProject();
    await request("PUT", `${project}/files/a.txt`, { body: "1" });
    const stale = { files: [{ path: "a.txt", content: "2" }], baseVersion: 1 };
    expect((await request("PUT", `${project}/files`, { json: stale })).status).toBe(409);
    const guarded = { body: "2", headers: { "if-match": '"1"' } };
    expect((await request("PUT", `${project}/files/a.txt`, guarded)).status).toBe(409);
  });

  test("a file comes back as the bytes that were put, text or not", async () => {
    const { request } = await apiWithProject();
    const bytes = new Uint8Array([0, 255, 1, 254, 13, 10]);
    const text = new TextEncoder().encode("\u{feff}Grüße\r\n");
    for (const [path, body] of [
      ["public/logo.png", bytes],
      ["src/ä b.txt", text],
      ["empty", new Uint8Array()],
    ] as const) {
      const at = `${project}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
      const put = await request("PUT", at, { body, headers: { "content-type": "application/octet-stream" } });
      expect(put.status).toBe(200);
      const got = await request("GET", at);
      expect(new Uint8Array(await got.arrayBuffer())).toEqual(body);
      expect(got.headers.get("etag")).toBe(put.headers.get("etag"));
      expect(
        (await request("GET", at, { headers: { "if-none-match": got.headers.get("etag") ?? "" } })).status,
      ).toBe(304);
    }
  });

  test("a JSON file is stored as it is, even where it is not JSON", async () => {
    const { request } = await apiWithProject();
    const at = `${project}/files/package.json`;
    const headers = { "content-type": "application/json" };
    expect((await request("PUT", at, { body: "{ not json", headers })).status).toBe(200);
    expect(await (await request("GET", at)).text()).toBe("{ not json");
  });

  test("HTML of a project is never a page of ours", async () => {
    const { request } = await apiWithProject();
    const answer = await request("GET", `${project}/files/index.html`, {
      headers: { accept: "text/html,*/*" },
    });
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("Accept: application/json gives content and version", async () => {
    const { request } = await apiWithProject();
    await request("PUT", `${project}/files/a.txt`, { body: "a" });
    const answer = await request("GET", `${project}/files/a.txt`, {
      headers: { accept: "application/json" },
    });
    expect(await answer.json()).toEqual({ path: "a.txt", content: "a", encoding: "utf8", version: 2 });
  });

  test("200 delete, then 404", async () => {
    const { request } = await apiWithProject();
    expect((await request("DELETE", `${project}/files/index.html`)).status).toBe(200);
    expect((await request("DELETE", `${project}/files/index.html`)).status).toBe(404);
    expect((await request("GET", `${project}/files/index.html`)).status).toBe(404);
  });

  test.each([
    "..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "a%00b",
    "a%5cb",
    ".git/config",
    "node_modules/x",
    "a//b",
  ])("422: the unsafe path %s", async (path) => {
    const { request } = await apiWithProject();
    expect((await request("PUT", `${project}/files/${path}`, { body: "x" })).status).toBe(422);
    expect((await request("GET", `${project}/files/${path}`)).status).toBe(422);
  });

  test("413: over 32 MB; 415: a multipart form", async () => {
    const { request } = await apiWithProject();
    const big = new Uint8Array(32 * 1024 * 1024 + 1);
    expect((await request("PUT", `${project}/files/big`, { body: big })).status).toBe(413);
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    expect((await request("PUT", `${project}/files/a`, { body: "--x--", headers })).status).toBe(415);
  });

  test("versions of one file", async () => {
    const { request } = await apiWithProject();
    const answer = await (await request("GET", `${project}/versions?path=index.html`)).json();
    expect(answer).toMatchObject({ items: [{ version: 1, deleted: false }], nextCursor: null });
    expect((await request("GET", `${project}/versions`)).status).toBe(422);
  });
});

describe("an archive", () => {
  const body = new Uint8Array([0x1f, 0x8b, 8, 0]);

  test.each([
    "application/gzip",
    "application/x-gzip",
    "application/x-tar+gzip",
    "application/octet-stream",
    "Application/GZIP; x=y",
  ])("200: sent as %s, it replaces the files byte for byte", async (type) => {
    const { request } = await apiWithProject();
    const answer = await request("POST", `${project}/archive`, { body, headers: { "content-type": type } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ version: 2, sessionsNotified: 0 });
    const list = fileList.parse(await (await request("GET", `${project}/files`)).json());
    expect(list.items.map((file) => file.path)).toEqual(["unpacked"]);
    const got = await request("GET", `${project}/files/unpacked`);
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(body);
  });

  test.each(["application/json", "application/zip", "multipart/form-data; boundary=x", "text/plain"])(
    "415: sent as %s",
    async (type) => {
      const { request } = await apiWithProject();
      const answer = await request("POST", `${project}/archive`, { body, headers: { "content-type": type } });
      expect(answer.status).toBe(415);
      expect(problemSchema.parse(await answer.json()).detail).toContain("application/gzip");
    },
  );

  test("404: no such project; 400: no id; 405: another method", async () => {
    const { request } = testApi();
    const headers = { "content-type": "application/gzip" };
    expect((await request("POST", `${project}/archive`, { body, headers })).status).toBe(404);
    expect((await request("POST", "/api/projects/x/archive", { body, headers })).status).toBe(400);
    expect((await request("PUT", `${project}/archive`, { body, headers })).status).toBe(405);
  });

  test("413: over 64 MB, announced or not, and no more of it is taken", async () => {
    const { request } = await apiWithProject();
    const headers = { "content-type": "application/gzip" };
    const announced = { ...headers, "content-length": String(64 * 1024 * 1024 + 1) };
    expect((await request("POST", `${project}/archive`, { body, headers: announced })).status).toBe(413);
    const mb = new Uint8Array(1024 * 1024);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(mb);
      },
    });
    expect((await request("POST", `${project}/archive`, { body: endless, headers })).status).toBe(413);
    expect(sent).toBeLessThan(70);
  });
});

test("templates are a list", async () => {
  const answer = await (await testApi().request("GET", "/api/templates")).json();
  expect(
    listSchema(z.object({ id: z.string() }))
      .parse(answer)
      .items.map((template) => template.id),
  ).toContain("react");
});

test("text is stored as text only where nothing is lost by it", () => {
  expect(toFileContent("a", Buffer.from("ü")).encoding).toBe("utf8");
  expect(toFileContent("a", Buffer.from([0x61, 0])).encoding).toBe("base64");
  expect(toFileContent("a", Buffer.from([0xff])).encoding).toBe("base64");
});
