import { expect, test } from "vitest";
import { cgroupLayout } from "./cgroup-layout.ts";

const V2 = "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
const HYBRID = [
  "31 20 0:27 / /cg/memory rw - cgroup cgroup rw,memory",
  "32 20 0:28 / /cg/freezer rw - cgroup cgroup rw,freezer",
  "33 20 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct",
  "34 20 0:30 / /cg/unified rw - cgroup2 cgroup2 rw",
].join("\n");

test("with version 2 everything that is passed on is used", () => {
  const layout = cgroupLayout(
    V2,
    "0::/user.slice",
    () => true,
    () => "cpu memory pids\n",
  );
  const base = { version: 2, folder: "/sys/fs/cgroup" };
  expect(layout).toEqual({ freezer: base, memory: base, pids: base, cpu: base, cpuTime: base });
});

test("an ordinary user gets what is delegated to its own group, and nothing where nothing is", () => {
  const own = cgroupLayout(
    V2,
    "0::/user.slice",
    (folder) => folder.endsWith("user.slice"),
    () => "",
  );
  expect(own.freezer).toEqual({ version: 2, folder: "/sys/fs/cgroup/user.slice" });
  expect(own.memory).toBeNull();
  const none = cgroupLayout(
    V2,
    "0::/",
    () => false,
    () => "memory",
  );
  expect(none).toEqual({ freezer: "signals", memory: null, pids: null, cpu: null, cpuTime: null });
});

test("with both versions limits come from version 1 and freezing from the preferred one", () => {
  const layout = cgroupLayout(
    HYBRID,
    "3:memory:/x\n0::/",
    () => true,
    () => "",
  );
  expect(layout.freezer).toEqual({ version: 1, folder: "/cg/freezer" });
  expect(layout.memory).toEqual({ version: 1, folder: "/cg/memory" });
  expect(layout.pids).toBeNull();
  const second = cgroupLayout(
    HYBRID,
    "0::/",
    () => true,
    () => "",
    2,
  );
  expect(second.freezer).toEqual({ version: 2, folder: "/cg/unified" });
});
