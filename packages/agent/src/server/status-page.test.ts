import { expect, test } from "vitest";
import { statusHtml } from "./status-page.ts";

test("what the program printed cannot become part of the page", () => {
  const html = statusHtml({
    mark: `failed:"><script>`,
    status: "failed",
    error: {
      code: "server_exited",
      message: `<img src=x onerror="a">`,
      log: ["</pre><script>alert(1)</script>"],
    },
  });
  expect(html.match(/<script>/g)).toHaveLength(1);
  expect(html).not.toContain("<img");
  expect(html).toContain("&lt;/pre&gt;&lt;script&gt;alert(1)");
});

test("the page needs nothing from elsewhere, and says what it is to people who do not see it", () => {
  const html = statusHtml({ mark: "starting", status: "starting", error: null });
  expect(html).not.toMatch(/(src|href)=/);
  expect(html).toContain('lang="en"');
  expect(html).toContain('role="status"');
  expect(html).toContain("prefers-color-scheme:dark");
});
