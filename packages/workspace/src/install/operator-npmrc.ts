import type { OperatorNpmConfig } from "@velocity/sandbox";

/** A line that belongs to a registry: its login or its certificate. */
const LOGIN = /^(\/\/[^=\s]+|_auth|_authToken|username|_password|email|always-auth)\s*=/;

/**
 * The `.npmrc` of an installer's sandbox: the operator's registries and, for a package manager that runs nothing of the
 * project, the logins to them. No proxy: the sandbox has a way out of its own. Pure.
 */
export function operatorNpmrc(
  config: OperatorNpmConfig,
  files: readonly string[],
  options: { readonly logins: boolean; readonly cafile: string | null },
): string {
  const lines: string[] = [];
  if (config.registry !== null) lines.push(`registry=${config.registry}`);
  for (const [scope, registry] of Object.entries(config.scopedRegistries))
    lines.push(`${scope}:registry=${registry}`);
  if (!config.strictSsl) lines.push("strict-ssl=false");
  if (options.cafile !== null) lines.push(`cafile=${options.cafile}`);
  if (options.logins) {
    const all = files.flatMap((text) => text.split(/\r?\n/)).map((line) => line.trim());
    // `${NAME}` stands for a variable of the operator's environment, which the sandbox does not have.
    lines.push(...all.filter((line) => LOGIN.test(line) && !line.includes("${")));
  }
  return lines.map((line) => `${line}\n`).join("");
}
