import { webViteConfig } from "./node/vite-config.ts";

export default webViteConfig();
