const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether the API answers at this Host. A name of somebody else that resolves to us is DNS rebinding. Loopback names
 * cannot be rebound, so any port will do (port mappings, `ssh -L`).
 */
export function isApiHost(host: string, publicHost: string): boolean {
  const asked = host.toLowerCase();
  return asked === publicHost.toLowerCase() || LOOPBACK_NAMES.has(asked.replace(/:\d{1,5}$/, ""));
}
