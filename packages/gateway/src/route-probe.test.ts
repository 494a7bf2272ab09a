import { containerIdSchema, type Identity, projectIdSchema, type SessionId } from "@velocity/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRouteProbe, type RouteProbe } from "./route-probe.ts";
import { DOMAIN, PROBE_SECRET, Rig } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
let probe: RouteProbe;
let identity: Identity;
const seen: { url: string | undefined; probe: unknown }[] = [];
const signal = () => AbortSignal.timeout(5000);

beforeEach(async () => {
  rig = await Rig.start();
  id = rig.id();
  seen.length = 0;
  identity = {
    containerId: containerIdSchema.parse("00000000-0000-4000-8000-0000000000cc"),
    sessionId: id,
    projectId: projectIdSchema.parse("550e8400-e29b-41d4-a716-446655440000"),
    generation: 3,
  };
  const control = await rig.app((req, res) => {
    seen.push({ url: req.url, probe: req.headers["x-velocity-probe"] });
    res.end(JSON.stringify(identity));
  });
  const app = await rig.app((req, res) => {
    seen.push({ url: req.url, probe: req.headers["x-velocity-probe"] });
    res.writeHead(req.url === "/broken" ? 500 : 200).end("app");
  });
  rig.lookup.unpublished = live(app.endpoint, { generation: 3, control: control.endpoint });
  rig.lookup.publish(id, { kind: "starting", visibility: "public" });
  probe = createRouteProbe({ port: rig.port, domain: DOMAIN, probeSecret: PROBE_SECRET });
});
afterEach(() => rig.close());

test("an unpublished generation says who it is, and the secret never reaches it", async () => {
  expect(await probe.identity(id, 3, signal())).toEqual(identity);
  expect(seen).toEqual([{ url: "/identity", probe: undefined }]);
});

test("any complete answer is ready, an error overlay too", async () => {
  expect(await probe.ready(id, 3, "/", signal())).toEqual({ status: 200 });
  expect(await probe.ready(id, 3, "/broken", signal())).toEqual({ status: 500 });
  expect(rig.lookup.touches).toEqual([]);
});

test("another generation has no route", async () => {
  await expect(probe.identity(id, 4, signal())).rejects.toMatchObject({ code: "session_unavailable" });
  await expect(probe.ready(id, 2, "/", signal())).rejects.toMatchObject({ code: "session_unavailable" });
});

test("without the secret nobody sees the identity or an unpublished generation", async () => {
  const forged = createRouteProbe({ port: rig.port, domain: DOMAIN, probeSecret: "guess" });
  await expect(forged.identity(id, 3, signal())).rejects.toMatchObject({ code: "session_unavailable" });
  expect((await rig.get(id, "/__velocity/identity")).status).toBe(404);
  expect(
    (await rig.get(id, "/__velocity/identity", { "X-Velocity-Probe": `3 ${PROBE_SECRET}x` })).status,
  ).toBe(404);
  expect((await rig.get(id, "/__velocity/else", { "X-Velocity-Probe": `3 ${PROBE_SECRET}` })).status).toBe(
    404,
  );
  expect(seen).toEqual([]);
});

test("a private session is probed like any other", async () => {
  const unpublished = rig.lookup.unpublished;
  if (unpublished === null) throw new Error("no route");
  rig.lookup.unpublished = { ...unpublished, visibility: "private" };
  expect((await probe.identity(id, 3, signal())).generation).toBe(3);
});
