import { describeCore, Rig, raceScenario } from "@velocity/testkit";
import { describe } from "vitest";

describeCore("the store in memory", async (settings, capabilities) => new Rig(settings, capabilities), {
  runs: 150,
});

describe("races in memory", () =>
  raceScenario(async (settings, capabilities) => new Rig(settings, capabilities), { rounds: 50 }));
