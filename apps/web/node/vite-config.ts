import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { InlineConfig } from "vite";

/** How the pages are built, and served while one works on them (`vite` in this folder). */
export function webViteConfig(): InlineConfig {
  return {
    root: fileURLToPath(new URL("..", import.meta.url)),
    plugins: [react(), tailwindcss()],
    // Inlined assets would need `data:` in the page's security policy.
    build: {
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: "es2023",
      reportCompressedSize: false,
    },
    server: { proxy: { "/api": "http://127.0.0.1:4400", "/health": "http://127.0.0.1:4400" } },
  };
}
