import { describe } from "vitest";
import { controllerScenarios } from "./controller-scenarios.ts";
import { crashScenarios } from "./crash-scenarios.ts";
import { eventScenarios } from "./event-scenarios.ts";
import { failureScenarios } from "./failure-scenarios.ts";
import { fileScenarios } from "./file-scenarios.ts";
import { modelScenario } from "./model-scenario.ts";
import type { NewRig } from "./new-rig.ts";
import { projectScenarios } from "./project-scenarios.ts";
import { reuseScenarios } from "./reuse-scenarios.ts";
import { takeoverScenarios } from "./takeover-scenarios.ts";
import { threadScenarios } from "./thread-scenarios.ts";

/** The guarantees of core over the fake engine, on any store. `newRig` gives every scenario an empty one. */
export function describeCore(name: string, newRig: NewRig, model: { readonly runs: number }): void {
  describe(`core on ${name}`, () => {
    describe("the thread", () => threadScenarios(newRig));
    describe("reuse", () => reuseScenarios(newRig));
    describe("failures", () => failureScenarios(newRig));
    describe("files", () => fileScenarios(newRig));
    describe("projects", () => projectScenarios(newRig));
    describe("events", () => eventScenarios(newRig));
    describe("controllers", () => controllerScenarios(newRig));
    describe("taken over by another server", () => takeoverScenarios(newRig));
    describe("crashes", () => crashScenarios(newRig));
    describe("any order", () => modelScenario(newRig, model.runs));
  });
}
