import { ERRORS, type ErrorRow } from "@velocity/contract";
import { escapeHtml, pageLayout } from "./page-layout.ts";

/** Every error code with its advice, by status. */
export function errorRows(): readonly (readonly [string, ErrorRow])[] {
  return Object.entries<ErrorRow>(ERRORS).sort(
    ([a, left], [b, right]) => left.status - right.status || (a < b ? -1 : 1),
  );
}

/** `/docs/errors`: where the `type` of every problem leads. */
export function errorsPage(): string {
  const rows = errorRows().map(
    ([code, row]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${row.status}</td><td>${escapeHtml(row.title)}</td>` +
      `<td>${escapeHtml(row.advice)}</td><td>${row.retryable ? "yes" : "no"}</td></tr>`,
  );
  return pageLayout(
    "Velocity: errors",
    `<h1>Errors</h1>
<p>Every error is <code>application/problem+json</code> with one of these codes. <a href="/docs">API reference</a></p>
<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th><th>What to do</th><th>Worth a retry</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table>`,
  );
}
