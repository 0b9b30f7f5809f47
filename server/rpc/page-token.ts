import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { RequestInvalidError } from "../domain/errors.ts";

/** The part of a list request that a page token does not depend on. */
interface Paged {
  pageSize: number;
  pageToken: string;
}

/**
 * A token that says where a list goes on. It carries a hash of the query, so that a token of one query is refused by
 * another; it is opaque to callers, not secret.
 */
export function encodePageToken<Desc extends DescMessage>(
  schema: Desc,
  request: MessageShape<Desc> & Paged,
  key: unknown,
): string {
  if (key === undefined) return "";
  return Buffer.from(JSON.stringify([queryHash(schema, request), key])).toString("base64url");
}

/**
 * The key that a page token carries; undefined for the first page. Dates in keys come back as ISO strings.
 *
 * @throws RequestInvalidError when the token is not one of this query's
 */
export function decodePageToken<Desc extends DescMessage>(schema: Desc, request: MessageShape<Desc> & Paged): unknown {
  if (request.pageToken === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(request.pageToken, "base64url").toString("utf8"), mustBePlain);
    if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === queryHash(schema, request)) return parsed[1];
  } catch {
    // Not one of ours; refused below like one of another query.
  }
  throw new RequestInvalidError([
    {
      field: "page_token",
      description: "is not a token of this list; send the same request again with next_page_token, or none",
    },
  ]);
}

/** A time that a page token carries; undefined when it is none that this server would write. */
export function timeFromToken(value: unknown): Date | undefined {
  if (typeof value !== "string" || !/^(?!0000)\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/.test(value)) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** PostgreSQL takes neither NUL nor half a character; no key has them. */
function mustBePlain(_name: string, value: unknown): unknown {
  if (typeof value === "string" && (/\p{Cc}/u.test(value) || !value.isWellFormed())) throw new SyntaxError("odd text");
  return value;
}

function queryHash<Desc extends DescMessage>(schema: Desc, request: MessageShape<Desc> & Paged): string {
  const query = { ...request, pageSize: 0, pageToken: "" };
  return createHash("sha256").update(schema.typeName).update(toBinary(schema, query)).digest("base64url").slice(0, 16);
}
