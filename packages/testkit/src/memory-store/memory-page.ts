import { type Page, VelocityError } from "@velocity/contract";

type Place = readonly [number, string];

export interface PageRequest {
  readonly cursor?: string;
  readonly limit: number;
}

/**
 * One page of a sorted list. A cursor names the last item seen by its place, so that what comes or goes in between is
 * neither repeated nor skipped. Throws `bad_request` for a cursor that no page gave out.
 */
export function pageOf<T>(
  items: readonly T[],
  request: PageRequest,
  order: { place(item: T): Place; newestFirst: boolean },
): Page<T> {
  const sign = order.newestFirst ? -1 : 1;
  const compare = (a: Place, b: Place) => sign * (a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  const after = request.cursor === undefined ? null : decode(request.cursor);
  const rest = items
    .filter((item) => after === null || compare(order.place(item), after) > 0)
    .toSorted((a, b) => compare(order.place(a), order.place(b)));
  const page = rest.slice(0, request.limit);
  const last = page.at(-1);
  const more = rest.length > request.limit && last !== undefined;
  return { items: page, nextCursor: more ? encode(order.place(last)) : null };
}

function encode(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decode(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(place) && typeof place[0] === "number" && typeof place[1] === "string")
      return [place[0], place[1]];
  } catch {
    // Not even JSON: refused like everything else below.
  }
  throw new VelocityError("bad_request", "The cursor is not one that a list gave out.");
}
