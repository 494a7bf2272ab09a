/** Text made safe for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** JSON made safe inside a script element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const STYLE = `
:root{color-scheme:light dark;--bg:#f7f7f8;--fg:#17181c;--dim:#5c606b;--card:#fff;--line:#e3e4e8;--accent:#4b5bdc}
@media (prefers-color-scheme:dark){:root{--bg:#111216;--fg:#ecedf0;--dim:#a3a7b3;--card:#1a1c22;--line:#2c2f38;--accent:#97a3ff}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:28px}
h1{font-size:20px;margin:0 0 8px}p{margin:0 0 12px;color:var(--dim)}code{font:13px ui-monospace,monospace;color:var(--dim)}
button{font:inherit;padding:8px 16px;border-radius:8px;border:1px solid var(--accent);background:var(--accent);color:var(--card);cursor:pointer}
button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}[hidden]{display:none}
.bar{height:4px;border-radius:2px;background:var(--line);overflow:hidden;margin:16px 0}.bar i{display:block;height:100%;width:40%;background:var(--accent);animation:s 1.4s ease-in-out infinite}
@keyframes s{from{transform:translateX(-100%)}to{transform:translateX(250%)}}@media (prefers-reduced-motion:reduce){.bar i{animation:none;width:100%}}`;

/** A whole document without any outside asset. `body` and `script` are trusted markup. */
export function pageShell(page: {
  readonly title: string;
  readonly body: string;
  readonly script: string;
}): string {
  const script = page.script === "" ? "" : `<script>${page.script}</script>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${escapeHtml(page.title)}</title><style>${STYLE}</style></head>
<body><main>${page.body}</main>${script}</body></html>
`;
}
