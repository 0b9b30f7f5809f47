import { expect, test } from "vitest";
import { CredentialsInvalidError, RateLimitedError } from "../errors.ts";
import type { EngineerId } from "../ids.ts";
import type { ApiKey } from "./api-key.ts";
import { formatApiKey, randomApiKeyId, randomSecret } from "./api-key-format.ts";
import { KeyVerifier } from "./key-verifier.ts";

const START_MS = Date.UTC(2026, 0, 1);

/** Keys in memory, a clock that the test moves, a hasher that counts; any number of servers over them. */
function world() {
  const rows = new Map<string, { key: ApiKey; secretHash: string }>();
  const seen = { nowMs: START_MS, lookUps: 0, hashes: 0, used: [] as Date[], beforeHash: async () => {} };
  const deps = {
    clock: { now: () => new Date(seen.nowMs) },
    apiKeys: {
      async findLive(id: string, now: Date) {
        seen.lookUps++;
        const row = rows.get(id);
        const live = row !== undefined && (row.key.expireTime === undefined || row.key.expireTime > now);
        return live ? { ...row, engineerName: "Ana" } : undefined;
      },
      async touch(_id: string, now: Date) {
        seen.used.push(now);
      },
    },
    hasher: {
      hash: async (secret: string) => `hash of ${secret}`,
      async verify(hash: string, secret: string) {
        seen.hashes++;
        await seen.beforeHash();
        return hash === `hash of ${secret}`;
      },
    },
  };
  return {
    seen,
    server: () => new KeyVerifier(deps),
    addKey(expireTime?: Date): { id: string; text: string } {
      const id = randomApiKeyId();
      const secret = randomSecret();
      const text = formatApiKey({ id, secret });
      rows.set(id, {
        key: {
          id,
          engineerId: "e" as EngineerId,
          name: "",
          lastFour: text.slice(-4),
          scope: "full",
          createTime: new Date(START_MS),
          lastUsedTime: undefined,
          expireTime,
        },
        secretHash: `hash of ${secret}`,
      });
      return { id, text };
    },
    revoke: (id: string) => rows.delete(id),
  };
}

/** The key's id with another secret, and the right checksum for that. */
function guessAt(id: string): string {
  return formatApiKey({ id, secret: randomSecret() });
}

test("a good key is its engineer's", async () => {
  const { server, addKey } = world();
  const { id, text } = addKey();

  const verified = await server().verify(text);

  expect(verified).toMatchObject({ engineerName: "Ana", key: { id } });
});

test("a key whose checksum is wrong costs neither a look-up nor a hash", async () => {
  const { seen, server, addKey } = world();
  const { text } = addKey();
  const mistyped = text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");

  await expect(server().verify(mistyped)).rejects.toThrow(CredentialsInvalidError);

  expect(seen).toMatchObject({ lookUps: 0, hashes: 0 });
});

test("a wrong secret is refused, and refused again without a hash for five seconds", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const guess = guessAt(addKey().id);

  await expect(verifier.verify(guess)).rejects.toThrow(CredentialsInvalidError);
  seen.nowMs += 4_999;
  await expect(verifier.verify(guess)).rejects.toThrow(CredentialsInvalidError);
  expect(seen.hashes).toBe(1);

  seen.nowMs += 1;
  await expect(verifier.verify(guess)).rejects.toThrow(CredentialsInvalidError);
  expect(seen.hashes).toBe(2);
});

test("a verified key is taken for a minute without a look-up, then looked up again but not hashed", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const { text } = addKey();
  await verifier.verify(text);

  seen.nowMs += 59_999;
  await verifier.verify(text);
  expect(seen).toMatchObject({ lookUps: 1, hashes: 1 });

  seen.nowMs += 1;
  await verifier.verify(text);
  expect(seen).toMatchObject({ lookUps: 2, hashes: 1 });
});

test("a revoked key is refused at once by the server that was told, and by any other after 60 s", async () => {
  const { seen, server, addKey, revoke } = world();
  const [told, other] = [server(), server()];
  const { id, text } = addKey();
  await told.verify(text);
  await other.verify(text);

  revoke(id);
  told.forget(id);

  await expect(told.verify(text)).rejects.toThrow(CredentialsInvalidError);
  seen.nowMs += 59_999;
  await expect(other.verify(text)).resolves.toBeDefined();
  seen.nowMs += 1;
  await expect(other.verify(text)).rejects.toThrow(CredentialsInvalidError);
});

test("a key that is revoked while it is being checked is not remembered, and not shared with later calls", async () => {
  const { seen, server, addKey, revoke } = world();
  const verifier = server();
  const { id, text } = addKey();
  const hash = Promise.withResolvers<void>();
  seen.beforeHash = () => hash.promise;
  const early = verifier.verify(text);
  await expect.poll(() => seen.hashes).toBe(1);

  revoke(id);
  verifier.forget(id);
  const late = verifier.verify(text);
  hash.resolve();

  await expect(late).rejects.toThrow(CredentialsInvalidError);
  await expect(early).resolves.toBeDefined();
  await expect(verifier.verify(text)).rejects.toThrow(CredentialsInvalidError);
});

test("a remembered key ends when it expires", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const { text } = addKey(new Date(START_MS + 1_000));
  await verifier.verify(text);

  seen.nowMs += 999;
  await expect(verifier.verify(text)).resolves.toBeDefined();
  seen.nowMs += 1;
  await expect(verifier.verify(text)).rejects.toThrow(CredentialsInvalidError);
});

test("a clock that is set back makes no key last longer", async () => {
  const { seen, server, addKey, revoke } = world();
  const verifier = server();
  const { id, text } = addKey();
  await verifier.verify(text);
  revoke(id);

  seen.nowMs -= 3_600_000;

  await expect(verifier.verify(text)).rejects.toThrow(CredentialsInvalidError);
});

test("calls that bring the same key at the same time share one check", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const { text } = addKey();

  await Promise.all(Array.from({ length: 20 }, () => verifier.verify(text)));

  expect(seen).toMatchObject({ lookUps: 1, hashes: 1 });
});

test("guessing at one key is bounded and leaves other keys alone", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const [attacked, other] = [addKey(), addKey()];
  const hash = Promise.withResolvers<void>();
  seen.beforeHash = () => hash.promise;
  const guesses = [verifier.verify(guessAt(attacked.id)), verifier.verify(guessAt(attacked.id))];

  await expect(verifier.verify(guessAt(attacked.id))).rejects.toThrow(RateLimitedError);
  const good = verifier.verify(other.text);
  hash.resolve();

  await expect(good).resolves.toBeDefined();
  await expect(Promise.allSettled(guesses)).resolves.toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  await expect(verifier.verify(attacked.text)).resolves.toBeDefined();
});

test("the use of a key is noted when the database is asked, not at every call", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const { text } = addKey();

  await verifier.verify(text);
  await verifier.verify(text);

  expect(seen.used).toEqual([new Date(START_MS)]);
});

test("the oldest of more than 10,000 keys is forgotten", async () => {
  const { seen, server, addKey } = world();
  const verifier = server();
  const [first, second] = [addKey(), addKey()];
  await verifier.verify(first.text);
  await verifier.verify(second.text);
  for (let i = 0; i < 9_999; i++) await verifier.verify(addKey().text);
  const before = seen.hashes;

  await verifier.verify(second.text);
  expect(seen.hashes).toBe(before);
  await verifier.verify(first.text);
  expect(seen.hashes).toBe(before + 1);
});
