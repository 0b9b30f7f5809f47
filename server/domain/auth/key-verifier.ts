import type { Clock } from "../clock.ts";
import { CredentialsInvalidError, RateLimitedError } from "../errors.ts";
import type { ApiKey, ApiKeyStore } from "./api-key.ts";
import { type ApiKeyParts, digestOf, parseApiKey } from "./api-key-format.ts";
import type { SecretHasher } from "./secret-hasher.ts";

/** How long a verified key is taken without asking the database again: what a revocation elsewhere needs to arrive. */
export const VERIFIED_FOR_MS = 60_000;
/** How long a refused key is refused again without a look. */
const REFUSED_FOR_MS = 5_000;
/** Keys remembered of each kind; the oldest are forgotten first. */
const MAX_REMEMBERED = 10_000;
/** Different secrets looked at for one key id at a time: guessing at one key leaves the hasher free for the others. */
const MAX_GUESSES_AT_ONCE = 2;
const RETRY_AFTER_MS = 1_000;

/** A key that is good now, and whose it is. */
export interface VerifiedKey {
  readonly key: ApiKey;
  readonly engineerName: string;
}

/**
 * How a key was looked at: `remembered` as good, or `refused` from memory, too; `malformed`, which costs nothing; or the
 * database was `asked`.
 */
export type KeyCheck = "remembered" | "refused" | "malformed" | "asked";

/** What a verifier works with. */
export interface KeyVerifierDeps {
  readonly apiKeys: Pick<ApiKeyStore, "findLive" | "touch">;
  readonly clock: Clock;
  readonly hasher: SecretHasher;
  /** Told of every look at a key. */
  readonly onCheck?: (how: KeyCheck) => void;
}

interface Remembered {
  readonly verified: VerifiedKey;
  readonly secretHash: string;
  /** When the database was asked; the answer may have been outdated from then on. */
  readonly askedMs: number;
}

interface Flight {
  /** Set when the key was revoked after the database had been asked: the answer is for this call only. */
  forgotten: boolean;
  readonly result: Promise<VerifiedKey>;
}

/**
 * Tells whose key one is, and remembers it for a minute, since the hash of a secret is slow to check.
 *
 * A key whose checksum is wrong is refused at once. One that was verified before is checked against the database again
 * after a minute, but hashed again only when its hash has changed. Calls that bring the same key at the same time share
 * one check.
 */
export class KeyVerifier {
  private readonly remembered = new Map<string, Remembered>();
  private readonly refusedMs = new Map<string, number>();
  /** By key id, then by digest of the whole key. */
  private readonly flights = new Map<string, Map<string, Flight>>();

  constructor(private readonly deps: KeyVerifierDeps) {}

  /**
   * The key behind this text, which is live now or was so at most a minute ago.
   *
   * @throws CredentialsInvalidError when it is malformed, unknown, expired or revoked
   * @throws RateLimitedError when too many keys are checked at a time
   */
  async verify(text: string): Promise<VerifiedKey> {
    const parts = parseApiKey(text);
    if (parts === undefined) {
      this.deps.onCheck?.("malformed");
      throw new CredentialsInvalidError();
    }
    const digest = digestOf(text);
    const nowMs = this.deps.clock.now().getTime();
    const known = this.remembered.get(digest);
    if (known !== undefined && isFresh(known, nowMs)) {
      this.deps.onCheck?.("remembered");
      return known.verified;
    }
    if (isWithin(this.refusedMs.get(digest), nowMs, REFUSED_FOR_MS)) {
      this.deps.onCheck?.("refused");
      throw new CredentialsInvalidError();
    }
    this.deps.onCheck?.("asked");
    return this.share(parts, digest);
  }

  /** Forgets a key that was revoked: from here on this server refuses it. */
  forget(keyId: string): void {
    for (const [digest, { verified }] of this.remembered) {
      if (verified.key.id === keyId) this.remembered.delete(digest);
    }
    for (const flight of this.flights.get(keyId)?.values() ?? []) flight.forgotten = true;
  }

  private share(parts: ApiKeyParts, digest: string): Promise<VerifiedKey> {
    const ofKey = this.flights.get(parts.id) ?? new Map<string, Flight>();
    const running = ofKey.get(digest);
    if (running !== undefined && !running.forgotten) return running.result;
    if (ofKey.size >= MAX_GUESSES_AT_ONCE) throw new RateLimitedError(RETRY_AFTER_MS);
    const flight: Flight = {
      forgotten: false,
      result: this.check(parts, digest, () => flight.forgotten).finally(() => {
        if (ofKey.get(digest) === flight) ofKey.delete(digest);
        if (ofKey.size === 0 && this.flights.get(parts.id) === ofKey) this.flights.delete(parts.id);
      }),
    };
    ofKey.set(digest, flight);
    this.flights.set(parts.id, ofKey);
    return flight.result;
  }

  private async check(parts: ApiKeyParts, digest: string, forgotten: () => boolean): Promise<VerifiedKey> {
    const { apiKeys, clock, hasher } = this.deps;
    const now = clock.now();
    const found = await apiKeys.findLive(parts.id, now);
    const before = this.remembered.get(digest);
    const good =
      found !== undefined &&
      (before?.secretHash === found.secretHash || (await hasher.verify(found.secretHash, parts.secret)));
    this.remembered.delete(digest);
    if (!good) {
      remember(this.refusedMs, digest, now.getTime());
      throw new CredentialsInvalidError();
    }
    await apiKeys.touch(parts.id, now);
    const verified = { key: found.key, engineerName: found.engineerName };
    if (!forgotten()) {
      remember(this.remembered, digest, { verified, secretHash: found.secretHash, askedMs: now.getTime() });
    }
    return verified;
  }
}

function isFresh({ verified, askedMs }: Remembered, nowMs: number): boolean {
  const { expireTime } = verified.key;
  return isWithin(askedMs, nowMs, VERIFIED_FOR_MS) && (expireTime === undefined || nowMs < expireTime.getTime());
}

/** A clock that was set back makes nothing last longer: before its beginning a span is over. */
function isWithin(sinceMs: number | undefined, nowMs: number, spanMs: number): boolean {
  return sinceMs !== undefined && nowMs >= sinceMs && nowMs < sinceMs + spanMs;
}

function remember<V>(memory: Map<string, V>, digest: string, value: V): void {
  memory.delete(digest);
  memory.set(digest, value);
  if (memory.size > MAX_REMEMBERED) {
    for (const oldest of memory.keys()) {
      memory.delete(oldest);
      break;
    }
  }
}
