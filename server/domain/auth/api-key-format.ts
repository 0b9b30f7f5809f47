import { createHash, randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_ID_LENGTH = 12;
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const KEY = /^nxs_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;
const KEY_ID = /^[0-9A-Za-z]{12}$/;

/** The parts of a key: its public id, and the secret that only its owner knows. */
export interface ApiKeyParts {
  readonly id: string;
  readonly secret: string;
}

/** The key as its owner keeps it: `nxs_<id, 12 base62>_<secret, 32 base62><checksum, 6 base62 of CRC-32 of all before>`. */
export function formatApiKey({ id, secret }: ApiKeyParts): string {
  const body = `nxs_${id}_${secret}`;
  return body + checksumOf(body);
}

/** The parts of a key; undefined when its form or checksum is wrong: a mistyped key costs no look-up. */
export function parseApiKey(text: string): ApiKeyParts | undefined {
  const [, id, secret, checksum] = KEY.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  return checksum === checksumOf(text.slice(0, -CHECKSUM_LENGTH)) ? { id, secret } : undefined;
}

/** Whether a text could be the id of a key. */
export function isApiKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** A new key id: 71 random bits. */
export function randomApiKeyId(): string {
  return base62(randomBytes(32), KEY_ID_LENGTH);
}

/** A new secret: 190 random bits. */
export function randomSecret(): string {
  return secretFrom(randomBytes(32));
}

/** A secret made of 32 unpredictable bytes. */
export function secretFrom(bytes: Uint8Array): string {
  return base62(bytes, SECRET_LENGTH);
}

/** Tells whole keys apart in memory without holding them. */
export function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("base64");
}

/** The last `length` base62 digits of a big-endian number. With 32 bytes the bias of the cut is below 2⁻⁶⁴. */
function base62(bytes: Uint8Array, length: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let digits = "";
  for (let i = 0; i < length; i++) {
    digits = DIGITS.charAt(Number(rest % 62n)) + digits;
    rest /= 62n;
  }
  return digits;
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let digits = "";
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = DIGITS.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** CRC-32 as in IEEE 802.3 (reflected, polynomial 0xEDB88320) of an ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
