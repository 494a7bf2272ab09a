import type { OpenApiDocument } from "./openapi-document.ts";
import {
  codesOf,
  contentOf,
  descriptionOf,
  type OperationEntry,
  operationsOf,
  parametersOf,
} from "./operations.ts";
import { escapeHtml, inlineMarkdown, pageLayout } from "./page-layout.ts";
import { schemaText } from "./schema-text.ts";

/** `/docs`: the document as one page that works without scripts and without a network. */
export function referencePage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const sections = (document.tags ?? []).map(
    (tag) => `<h2>${escapeHtml(tag.name)}</h2>
<p>${inlineMarkdown(tag.description ?? "")}</p>
${operations
  .filter((entry) => entry.tag === tag.name)
  .map(operationHtml)
  .join("\n")}`,
  );
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${pre(schema)}</details>`,
  );
  return pageLayout(
    "Velocity: API reference",
    `<h1>Velocity API</h1>
<p class="mute">Version ${escapeHtml(document.info.version)} · <a href="/api/openapi.json">OpenAPI document</a> ·
<a href="/docs/errors">Errors</a></p>
<p>${inlineMarkdown(document.info.description ?? "")}</p>
${sections.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}`,
  );
}

function operationHtml({ method, path, operation }: OperationEntry): string {
  const parameters = parametersOf(operation).map(
    (parameter) =>
      `<tr><td><code>${escapeHtml(parameter.name)}</code></td><td>${parameter.in}</td>` +
      `<td>${parameter.required === true ? "required" : ""}</td>` +
      `<td><code>${escapeHtml(schemaText(parameter.schema))}</code></td></tr>`,
  );
  const body = contentOf(operation.requestBody).map(
    ([type, schema]) => `<p>Body <code>${type}</code></p>${pre(schema)}`,
  );
  const answers: string[] = [];
  const errors: string[] = [];
  for (const [status, answer] of Object.entries<unknown>(operation.responses ?? {})) {
    const content = contentOf(answer);
    if (content.some(([type]) => type === "application/problem+json")) {
      errors.push(...codesOf(answer).map((code) => `<a href="/docs/errors#${code}">${code}</a> ${status}`));
      continue;
    }
    const shown = content.map(
      ([type, schema]) => `<code>${type}</code> <code>${escapeHtml(schemaText(schema))}</code>`,
    );
    answers.push(
      `<tr><td>${status}</td><td>${inlineMarkdown(descriptionOf(answer))}</td><td>${shown.join("<br>")}</td></tr>`,
    );
  }
  return `<details id="${operation.operationId ?? ""}"><summary><b>${method}</b> <code>${escapeHtml(path)}</code>
${escapeHtml(operation.summary ?? "")}</summary>
<p>${inlineMarkdown(operation.description ?? "")}</p>
${parameters.length > 0 ? `<table><tbody>${parameters.join("")}</tbody></table>` : ""}
${body.join("\n")}
<table><tbody>${answers.join("")}</tbody></table>
${errors.length > 0 ? `<p class="mute">Errors: ${errors.join(" · ")}</p>` : ""}</details>`;
}

function pre(schema: unknown): string {
  return `<pre>${escapeHtml(schemaText(schema))}</pre>`;
}
