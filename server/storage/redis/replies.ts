import type {
  BlockedTouch,
  ClaimMode,
  ClaimState,
  ConfirmOutcome,
  DueWork,
  ExtendOutcome,
  LeaseOutcome,
  ListedClaim,
  LiveClaim,
  RebuildOutcome,
  Recovering,
} from "../../domain/claims/claim-store.ts";
import type { ClaimId, FeatureId, SessionId } from "../../domain/ids.ts";
import type { Reply } from "./script-runner.ts";

/** The touches of a claim as they are kept (lua/index.lua). */
interface KeptTouch {
  readonly path: string;
  readonly mode: ClaimMode;
}

/** A lease as the store lists it. */
interface ListedLease {
  readonly sessionId: SessionId;
  readonly expireTime: Date;
  readonly expired: boolean;
}

/** A page of claims and where the next one begins; undefined after the last. */
export interface ClaimPage {
  readonly kind: "page";
  readonly claims: readonly ListedClaim[];
  readonly next: string | undefined;
}

type Held =
  | { readonly kind: "checked"; readonly held: readonly BlockedTouch[] }
  | { readonly kind: "too-broad"; readonly touch: number }
  | Recovering;

/*
 * Replies begin with a word; the headers in lua/ say what follows it. Here, and nowhere else, they become the outcomes
 * of the port.
 */

export function decodeAcquired([word, ...rest]: readonly Reply[]): ExtendOutcome {
  switch (word) {
    case "GRANTED":
      return {
        kind: "granted",
        fencingToken: BigInt(text(rest[0])),
        acquireTime: date(rest[1]),
        expireTime: date(rest[2]),
      };
    case "CONFLICT":
      return { kind: "conflict", blocked: blocked(rest) };
    case "FEATURE_HELD":
      return { kind: "feature-held", claim: liveClaim(rest[0]) };
    case "CLAIM_GONE":
      return { kind: "claim-gone" };
    case "SESSION_EXPIRED":
      return { kind: "session-expired" };
    case "TOO_BROAD":
      return { kind: "too-broad", touch: number(rest[0]) };
    default:
      return recovering(word, rest);
  }
}

export function decodeConfirmed([word, ...rest]: readonly Reply[]): ConfirmOutcome {
  switch (word) {
    case "CONFIRMED":
      return { kind: "confirmed", claim: liveClaim(rest[0]) };
    case "SESSION_EXPIRED":
      return { kind: "session-expired" };
    case "GONE":
      return { kind: "gone" };
    default:
      return recovering(word, rest);
  }
}

export function decodeReleased([word, ...rest]: readonly Reply[]): { readonly kind: "released" } | Recovering {
  return word === "RELEASED" ? { kind: "released" } : recovering(word, rest);
}

export function decodeRetained([word, ...rest]: readonly Reply[]): { readonly kind: "retained" } | Recovering {
  return word === "RETAINED" ? { kind: "retained" } : recovering(word, rest);
}

export function decodeDrained([word, ...rest]: readonly Reply[]):
  | { readonly kind: "drained"; readonly unknown: readonly ClaimId[] }
  | Recovering {
  return word === "DRAINED" ? { kind: "drained", unknown: rest as ClaimId[] } : recovering(word, rest);
}

export function decodeEnded([word, ...rest]: readonly Reply[]): { readonly kind: "ended" } | Recovering {
  return word === "ENDED" ? { kind: "ended" } : recovering(word, rest);
}

export function decodeChecked([word, ...rest]: readonly Reply[]): Held {
  switch (word) {
    case "CHECKED":
      return { kind: "checked", held: blocked(rest) };
    case "TOO_BROAD":
      return { kind: "too-broad", touch: number(rest[0]) };
    default:
      return recovering(word, rest);
  }
}

export function decodeClaimPage([word, ...rest]: readonly Reply[]): ClaimPage | Recovering {
  if (word !== "LISTED") {
    return recovering(word, rest);
  }
  const [cursor, ...rows] = rest;
  const claims = inGroups(rows, 2).map(([row, touches]) => ({
    ...liveClaim(row),
    touches: (JSON.parse(text(touches)) as KeptTouch[]).map(({ path, mode }) => ({ path, mode })),
  }));
  return { kind: "page", claims, next: cursor === "" ? undefined : text(cursor) };
}

export function decodeLease([word, ...rest]: readonly Reply[]): LeaseOutcome {
  switch (word) {
    case "ALIVE":
      return { kind: "alive", expireTime: date(rest[0]), claims: rest.slice(1).map(liveClaim) };
    case "SESSION_EXPIRED":
      return { kind: "session-expired" };
    default:
      return recovering(word, rest);
  }
}

export function decodeLeases([word, ...rest]: readonly Reply[]):
  | { readonly kind: "listed"; readonly leases: readonly ListedLease[] }
  | Recovering {
  if (word !== "LISTED") {
    return recovering(word, rest);
  }
  const now = number(rest[0]);
  const leases = inGroups(list(rest[1]), 2).map(([session, expire]) => ({
    sessionId: text(session) as SessionId,
    expireTime: date(expire),
    expired: number(expire) <= now,
  }));
  return { kind: "listed", leases };
}

export function decodeDueWork([word, ...rest]: readonly Reply[]): DueWork | Recovering {
  if (word !== "DUE") {
    return recovering(word, rest);
  }
  const [sessions, overdue, drained] = rest.map(list);
  return {
    kind: "due",
    expiredSessions: (sessions ?? []).map((id) => text(id) as SessionId),
    overdueClaims: (overdue ?? []).map(liveClaim),
    drainedClaims: (drained ?? []).map((id) => text(id) as ClaimId),
  };
}

export function decodeBegun([word]: readonly Reply[]): { readonly kind: "begun" } | { readonly kind: "superseded" } {
  switch (word) {
    case "BEGUN":
      return { kind: "begun" };
    case "SUPERSEDED":
      return { kind: "superseded" };
    default:
      throw unknownReply(word);
  }
}

export function decodeRebuilt([word]: readonly Reply[]): RebuildOutcome {
  switch (word) {
    case "REBUILT":
      return { kind: "rebuilt" };
    case "SUPERSEDED":
      return { kind: "superseded" };
    default:
      throw unknownReply(word);
  }
}

export function decodeRebuiltClaim(reply: readonly Reply[]): RebuildOutcome | { readonly kind: "overlaps" } {
  switch (reply[0]) {
    case "OVERLAPS":
      return { kind: "overlaps" };
    case "NO_SESSION":
      throw new Error("a claim was rebuilt before its session");
    default:
      return decodeRebuilt(reply);
  }
}

function recovering(word: Reply | undefined, [epoch]: readonly Reply[]): Recovering {
  if (word !== "RECOVERING") {
    throw unknownReply(word);
  }
  return { kind: "recovering", storeEpoch: epoch === undefined ? undefined : number(epoch) };
}

function blocked([rows, touches]: readonly Reply[]): BlockedTouch[] {
  const claims = list(rows).map(liveClaim);
  return inGroups(list(touches), 4).map(([touch, heldPath, mode, row]) => {
    const claim = claims[number(row)];
    if (claim === undefined) {
      throw new Error("a reply of the claim store names a claim that it does not carry");
    }
    return { touch: number(touch), heldPath: text(heldPath), heldMode: text(mode) as ClaimMode, claim };
  });
}

function liveClaim(row: Reply | undefined): LiveClaim {
  const [claim, feature, session, token, state, acquire, expire, sessionExpired, overdue] = list(row);
  return {
    claimId: text(claim) as ClaimId,
    featureId: text(feature) as FeatureId,
    sessionId: text(session) as SessionId,
    fencingToken: BigInt(text(token)),
    state: text(state) as ClaimState,
    acquireTime: date(acquire),
    expireTime: date(expire),
    sessionExpired: sessionExpired === 1,
    overdue: overdue === 1,
  };
}

function inGroups(replies: readonly Reply[], size: number): (readonly Reply[])[] {
  return Array.from({ length: replies.length / size }, (_, group) => replies.slice(group * size, (group + 1) * size));
}

function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function text(reply: Reply | undefined): string {
  return String(reply);
}

function number(reply: Reply | undefined): number {
  return Number(reply);
}

function date(reply: Reply | undefined): Date {
  return new Date(number(reply));
}

function unknownReply(word: Reply | undefined): Error {
  return new Error(`the claim store answered ${JSON.stringify(word)}`);
}
