import { CORE_SETTINGS, type CoreSettings } from "@velocity/core";
import type { Config } from "./config/schema.ts";

/** The part of the configuration that core decides by. */
export function coreSettings(config: Config): CoreSettings {
  return { ...CORE_SETTINGS, poolSize: config.poolSize, networkMax: config.networkMax };
}
