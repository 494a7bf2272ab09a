import { problemSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { PROJECT_ID, testApi } from "../testing/test-api.ts";
import { pageRedirect } from "./web-fallback.ts";

const web = (request: Request) =>
  new URL(request.url).pathname === "/missing"
    ? null
    : new Response("<h1>web</h1>", { headers: { "content-type": "text/html" } });

test.each(["/api/nothing", "/api", "/api/sessions/", "/api/sessions/x/y/z", "/nothing", "/"])(
  "404 as a problem: %s",
  async (path) => {
    const answer = await testApi().request("GET", `${path}?token=secret`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const problem = problemSchema.parse(await answer.json());
    expect(problem).toMatchObject({ code: "not_found", instance: path, type: "/docs/errors#not_found" });
    expect(problem.requestId).toBe(answer.headers.get("x-request-id"));
  },
);

test.each([
  ["PUT", "/api/sessions", "GET, HEAD, OPTIONS"],
  ["GET", "/api/sessions/start", "OPTIONS, POST"],
  ["PATCH", `/api/sessions/${PROJECT_ID}/stop`, "OPTIONS, POST"],
  ["POST", `/api/projects/${PROJECT_ID}/files/a/b`, "DELETE, GET, HEAD, OPTIONS, PUT"],
  ["POST", "/health", "GET, HEAD, OPTIONS"],
  ["DELETE", "/api/openapi.json", "GET, HEAD, OPTIONS"],
])("405 with Allow: %s %s", async (method, path, allow) => {
  const answer = await testApi().request(method, path);
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe(allow);
  expect(problemSchema.parse(await answer.json()).code).toBe("method_not_allowed");
});

test("OPTIONS without CORS says what a path answers", async () => {
  const answer = await testApi().request("OPTIONS", "/api/sessions");
  expect(answer.status).toBe(204);
  expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
});

test("HEAD answers like GET, without a body", async () => {
  const answer = await testApi().request("HEAD", "/api/templates");
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("");
});

describe("pages", () => {
  test("are the web app's, but for the paths of the API", async () => {
    const { request } = testApi({ web });
    expect(await (await request("GET", "/demo/container-preview")).text()).toBe("<h1>web</h1>");
    expect((await request("GET", "/missing")).status).toBe(404);
    expect((await request("GET", "/api/nothing")).status).toBe(404);
    expect((await request("GET", "/docs/nothing")).status).toBe(404);
    expect((await request("POST", "/demo")).status).toBe(405);
  });

  test("asked for at another name redirect to the public URL", async () => {
    const { request } = testApi({ web });
    const headers = { host: "localhost:4400", accept: "text/html", "user-agent": "Chrome" };
    const answer = await request("GET", "/project/x?a=1", { headers });
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toBe("http://velocity.localhost:4400/project/x?a=1");
  });

  test("stay where they are for Safari, which does not resolve *.localhost, and for assets", () => {
    const url = new URL("http://localhost:4400/x");
    const safari =
      "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";
    const chrome = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
    const ask = (userAgent: string, accept: string, publicUrl = "http://velocity.localhost:4400") =>
      pageRedirect({ url, accept, userAgent }, publicUrl);
    expect(ask(safari, "text/html")).toBeNull();
    expect(ask(safari, "text/html", "https://velocity.example")).toBe("https://velocity.example/x");
    expect(ask(chrome, "text/html")).toBe("http://velocity.localhost:4400/x");
    expect(ask(chrome, "*/*")).toBeNull();
  });

  test("never leave our host by a path that looks like one", () => {
    const redirect = pageRedirect(
      { url: new URL("http://localhost:4400//evil.test/x"), accept: "text/html", userAgent: "" },
      "http://velocity.localhost:4400",
    );
    expect(new URL(redirect ?? "").host).toBe("velocity.localhost:4400");
  });
});

test("503 with Retry-After where something that health depends on does not work", async () => {
  const { request } = testApi({
    health: async () => ({
      status: "degraded",
      timestamp: "2026-01-01T00:00:00.000Z",
      version: "1",
      checks: { database: true, driver: false, blobs: true },
    }),
  });
  for (const path of ["/health", "/ready"]) {
    const answer = await request("GET", path);
    expect(answer.status).toBe(503);
    expect(answer.headers.has("retry-after")).toBe(true);
  }
  const broken = testApi({ health: () => Promise.reject(new Error("down")) });
  expect((await broken.request("GET", "/health")).status).toBe(503);
});
