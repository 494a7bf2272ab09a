import { DEMO_PROJECT_ID } from "@velocity/contract";
import { expect, test } from "vitest";
import { DEMO_PROJECT } from "./demo-project.ts";
import { DEMO_PATH, matchRoute, projectPath } from "./routes.ts";

const ID = "0a1b2c3d-0000-4000-8000-00000000000f";

test.each([
  ["/", { kind: "home" }],
  [DEMO_PATH, { kind: "demo" }],
  [`${DEMO_PATH}/`, { kind: "demo" }],
  [projectPath(ID), { kind: "project", id: ID }],
  [projectPath(ID.toUpperCase()), { kind: "project", id: ID }],
  ["/project/", { kind: "not-found" }],
  [`/project/${ID}/x`, { kind: "not-found" }],
  ["/project/../etc", { kind: "not-found" }],
  ["//", { kind: "home" }],
  ["/Demo/container-preview", { kind: "not-found" }],
])("%s is the page %o", (path, route) => {
  expect(matchRoute(path)).toEqual(route);
});

test("the demo page shows the demo project of the contract", () => {
  expect(DEMO_PROJECT).toBe(DEMO_PROJECT_ID);
});
