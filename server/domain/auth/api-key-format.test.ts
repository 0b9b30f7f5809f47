import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatApiKey, isApiKeyId, parseApiKey, randomApiKeyId, randomSecret, secretFrom } from "./api-key-format.ts";

const BASE62 = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
const base62 = (length: number) =>
  fc.string({ unit: fc.constantFrom(...BASE62), minLength: length, maxLength: length });
const parts = fc.record({ id: base62(12), secret: base62(32) });

test("a key has the form that CONTRACT promises", () => {
  const key = formatApiKey({ id: randomApiKeyId(), secret: randomSecret() });

  expect(key).toMatch(/^nxs_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}[0-9A-Za-z]{6}$/);
});

test("the checksum is the CRC-32 of everything before it, in base62", () => {
  fc.assert(
    fc.property(parts, (given) => {
      const key = formatApiKey(given);

      const digits = [...key.slice(-6)].map((digit) => BASE62.indexOf(digit));
      expect(digits.reduce((sum, digit) => sum * 62 + digit, 0)).toBe(crc32(key.slice(0, -6)));
    }),
  );
});

test("a key is read back as it was written", () => {
  fc.assert(
    fc.property(parts, (given) => {
      expect(parseApiKey(formatApiKey(given))).toEqual(given);
    }),
  );
});

test("a key with one wrong character is refused", () => {
  fc.assert(
    fc.property(parts, fc.nat(54), fc.constantFrom(...BASE62), (given, at, digit) => {
      const key = formatApiKey(given);
      fc.pre(key[at] !== digit);

      expect(parseApiKey(key.slice(0, at) + digit + key.slice(at + 1))).toBeUndefined();
    }),
  );
});

test.each(["", "nxs_", "secret", `${formatApiKey({ id: "a".repeat(12), secret: "b".repeat(32) })} `])(
  "%j is no key",
  (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  },
);

test("secrets made of the same bytes are equal, of others not", () => {
  const bytes = new Uint8Array(32).fill(7);

  expect(secretFrom(bytes)).toBe(secretFrom(Uint8Array.from(bytes)));
  expect(secretFrom(bytes)).not.toBe(secretFrom(Uint8Array.from(bytes, (byte, i) => (i === 31 ? byte + 1 : byte))));
});

test("a whole key is no key id", () => {
  expect(isApiKeyId(randomApiKeyId())).toBe(true);
  expect(isApiKeyId(formatApiKey({ id: randomApiKeyId(), secret: randomSecret() }))).toBe(false);
});
