import { createHash } from "node:crypto";

/**
 * A request id made from what is asked: when an answer was lost and the command is typed again, the server recognises
 * it. Only for requests that name a fencing token, since those can succeed just once. A UUID of version 8 (RFC 9562).
 */
export function repeatableRequestId(...parts: readonly string[]): string {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
