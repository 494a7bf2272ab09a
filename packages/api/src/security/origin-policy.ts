/** The facts of a request that say which page it comes from. */
export interface RequestSource {
  readonly method: string;
  readonly host: string;
  readonly origin: string | null;
  /** `Sec-Fetch-Site`; browsers send it, and pages cannot forge it. */
  readonly fetchSite: string | null;
}

export interface OriginPolicy {
  readonly publicOrigin: string;
  readonly editorOrigins: ReadonlySet<string>;
  readonly previewDomain: string;
}

export type OriginDecision =
  /** No page of another origin is involved. */
  | { readonly kind: "own" }
  /** A page that may read the answer: CORS headers for exactly this origin. */
  | { readonly kind: "cors"; readonly origin: string }
  | { readonly kind: "refused"; readonly detail: string };

const SAFE_METHODS = new Set(["GET", "HEAD"]);

/**
 * Whether a page may make this API request with its viewer's rights. Previews run untrusted code on sibling hosts
 * (same-site!), so neither cookies nor "it is loopback" say anything about who asks. Programs send neither header.
 */
export function decideOrigin(source: RequestSource, policy: OriginPolicy): OriginDecision {
  const { origin, fetchSite } = source;
  if (origin !== null) {
    if (sameHost(origin, source.host)) return { kind: "own" };
    if (origin === policy.publicOrigin || policy.editorOrigins.has(origin)) return { kind: "cors", origin };
    if (isPreviewOrigin(origin, policy.previewDomain))
      return { kind: "refused", detail: "Pages of a preview may not call the API." };
    if (origin === "null" || !SAFE_METHODS.has(source.method))
      return { kind: "refused", detail: "Pages of this origin may not call the API." };
  }
  if (fetchSite === null || fetchSite === "same-origin" || fetchSite === "none") return { kind: "own" };
  return { kind: "refused", detail: "Pages of other sites may not call the API." };
}

/** The page was loaded from the very host that it calls. */
function sameHost(origin: string, host: string): boolean {
  const url = parseOrigin(origin);
  return (
    url !== null && url.host === host.toLowerCase().replace(url.protocol === "https:" ? /:443$/ : /:80$/, "")
  );
}

function isPreviewOrigin(origin: string, previewDomain: string): boolean {
  const domain = previewDomain.toLowerCase().replace(/:\d+$/, "");
  return parseOrigin(origin)?.hostname.endsWith(`.${domain}`) ?? false;
}

function parseOrigin(origin: string): URL | null {
  const url = URL.canParse(origin) ? new URL(origin) : null;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : null;
}
