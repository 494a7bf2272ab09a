import type { CoreSettings, DriverCapabilities } from "@velocity/core";
import type { Rig } from "../core-rig.ts";

/** An engine, a clock and an empty store for one scenario. Defaults are those of `Rig`. */
export type NewRig = (
  settings?: Partial<CoreSettings>,
  capabilities?: Partial<DriverCapabilities>,
) => Promise<Rig>;
