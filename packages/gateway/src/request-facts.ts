/** What one pass over the raw header lines found. Node's parsed `headers` hides repeated lines. */
export interface RequestFacts {
  readonly lines: number;
  readonly hostLines: number;
  readonly host: string;
  readonly contentLength: string | null;
  readonly transferEncoding: string | null;
  readonly upgrade: string | null;
  readonly connection: string | null;
  readonly webSocketKey: boolean;
  readonly webSocketProtocol: string;
  readonly accept: string | null;
  readonly fetchMode: string | null;
  readonly fetchDest: string | null;
  readonly purpose: string | null;
  readonly userAgent: string;
  readonly probe: string | null;
}

type Draft = { -readonly [K in keyof RequestFacts]: RequestFacts[K] };

/** Pure but for reading the request. */
export function requestFacts(req: { readonly rawHeaders: readonly string[] }): RequestFacts {
  const raw = req.rawHeaders;
  const facts: Draft = {
    lines: raw.length / 2,
    hostLines: 0,
    host: "",
    contentLength: null,
    transferEncoding: null,
    upgrade: null,
    connection: null,
    webSocketKey: false,
    webSocketProtocol: "",
    accept: null,
    fetchMode: null,
    fetchDest: null,
    purpose: null,
    userAgent: "",
    probe: null,
  };
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? "";
    note(facts, name.toLowerCase(), raw[i + 1] ?? "");
  }
  return facts;
}

function note(facts: Draft, name: string, value: string): void {
  switch (name) {
    case "host":
      facts.hostLines += 1;
      facts.host = value;
      return;
    case "content-length":
      facts.contentLength = value;
      return;
    case "transfer-encoding":
      facts.transferEncoding =
        facts.transferEncoding === null ? value : `${facts.transferEncoding}, ${value}`;
      return;
    case "upgrade":
      facts.upgrade = facts.upgrade === null ? value : `${facts.upgrade}, ${value}`;
      return;
    case "connection":
      facts.connection = facts.connection === null ? value : `${facts.connection}, ${value}`;
      return;
    case "sec-websocket-key":
      facts.webSocketKey = value !== "";
      return;
    case "sec-websocket-protocol":
      facts.webSocketProtocol = value;
      return;
    case "accept":
      facts.accept = value.toLowerCase();
      return;
    case "sec-fetch-mode":
      facts.fetchMode = value;
      return;
    case "sec-fetch-dest":
      facts.fetchDest = value;
      return;
    case "sec-purpose":
    case "purpose":
    case "x-purpose":
    case "x-moz":
      facts.purpose = value.toLowerCase();
      return;
    case "user-agent":
      facts.userAgent = value;
      return;
    case "x-velocity-probe":
      facts.probe = value;
      return;
  }
}
