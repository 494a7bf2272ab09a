/** Run as a process of its own by the cache's tests: installs one project and prints what comes of it, as JSON lines. */
import { openWorkspace } from "./workspace-fixture.ts";

const [cacheDir = "", manifest = "{}"] = process.argv.slice(2);
const say = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`);
const fixture = await openWorkspace({ cacheDir });
try {
  say({ directory: fixture.directory });
  const { mounts } = await fixture.install({ "package.json": manifest }, { onLog: (line) => say({ line }) });
  say({ mounts });
} finally {
  await fixture.close();
}
