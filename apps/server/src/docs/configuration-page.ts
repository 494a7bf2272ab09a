import { SETTINGS } from "../config/schema.ts";

/** The reference page of all settings, in Markdown. Generated, so that it is as true as the schema. */
export function configurationPage(): string {
  const rows = Object.entries(SETTINGS).map(([name, { schema, doc }]) => {
    const fallback = schema.safeParse(undefined);
    const standard = fallback.success && fallback.data !== undefined ? `\`${String(fallback.data)}\`` : "–";
    return `| \`${name}\` | ${standard} | ${doc.replaceAll("|", "\\|")} |`;
  });
  return `# Configuration

Velocity reads its settings from environment variables, once, when it starts. An empty value counts as unset; a wrong one
stops the start with a sentence that names it. This page is generated from the schema
(\`node apps/server/src/docs/generate.ts\`).

| variable | default | meaning |
|---|---|---|
${rows.join("\n")}
`;
}
