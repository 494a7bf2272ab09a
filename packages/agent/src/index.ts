export { type BundleOptions, bundleAgent } from "./bundle.ts";
