import { build } from "vite";
import { webViteConfig } from "./vite-config.ts";

// Run by build.ts as a process of its own: `node vite-build.ts <outDir>`.
const outDir = process.argv[2];
if (outDir === undefined) throw new Error("usage: vite-build.ts <outDir>");

// Whatever the server or a test runner set, pages are built with the production React.
process.env.NODE_ENV = "production";
const config = webViteConfig();
await build({
  ...config,
  configFile: false,
  logLevel: "warn",
  mode: "production",
  build: { ...config.build, outDir, emptyOutDir: true },
});
