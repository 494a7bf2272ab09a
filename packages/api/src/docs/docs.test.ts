import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { ERRORS, problemSchema } from "@velocity/contract";
import { expect, test } from "vitest";
import { PROJECT_ID, testApi } from "../testing/test-api.ts";
import { describeApi } from "./describe-api.ts";
import { operationsOf, parametersOf } from "./operations.ts";
import { referenceFiles } from "./reference-files.ts";

test("the OpenAPI document is valid", async () => {
  const answer = await testApi().request("GET", "/api/openapi.json");
  const { valid, errors } = await new Validator().validate(JSON.parse(await answer.text()));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test("every operation has a name of its own, a summary, and its path parameters described", () => {
  const operations = operationsOf(describeApi("test"));
  expect(operations.length).toBeGreaterThan(25);
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  for (const { path, operation } of operations) {
    expect(operation.summary).toBeTruthy();
    const described = parametersOf(operation).filter((parameter) => parameter.in === "path");
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(described.map((parameter) => parameter.name)).toEqual(named);
  }
});

test("every operation of the document is answered by the server, with a status that it names", async () => {
  for (const { method, path, operation } of operationsOf(describeApi("test"))) {
    const { request } = testApi();
    const at = path.replace("{id}", PROJECT_ID).replace("{path}", "src/App.jsx");
    const answer = await request(method, at, method === "GET" ? {} : { json: {} });
    expect(Object.keys(operation.responses ?? {}), `${method} ${path}`).toContain(String(answer.status));
    if (answer.status === 404)
      expect(problemSchema.parse(await answer.json()).detail).not.toBe("There is nothing at this address.");
    else await answer.body?.cancel();
  }
});

test("every operation below /api names its errors as problems", () => {
  for (const { path, operation } of operationsOf(describeApi("test"))) {
    if (!path.startsWith("/api/")) continue;
    for (const status of ["400", "401", "403", "500", "503"])
      expect(JSON.stringify(operation.responses?.[status])).toContain("application/problem+json");
  }
});

test("docs/reference is current (node packages/api/src/docs/generate.ts)", async () => {
  for (const [name, text] of Object.entries(referenceFiles()))
    expect(await readFile(new URL(`../../../../docs/reference/${name}`, import.meta.url), "utf8")).toBe(text);
});

test("/docs shows every call and needs nothing from elsewhere", async () => {
  const answer = await testApi().request("GET", "/docs", { headers: { "sec-fetch-site": "cross-site" } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
  const html = await answer.text();
  for (const { operation } of operationsOf(describeApi("test")))
    expect(html).toContain(`id="${operation.operationId}"`);
  expect(html).not.toMatch(/<script|https?:\/\/|@import|src=/);
});

test("/docs/errors explains every code, under the anchor that problems point to", async () => {
  const html = await (await testApi().request("GET", "/docs/errors")).text();
  for (const [code, row] of Object.entries(ERRORS)) {
    expect(html).toContain(`id="${code}"`);
    expect(html).toContain(row.title);
  }
});
