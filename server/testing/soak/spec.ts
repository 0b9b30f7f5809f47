import { oracleOverlap } from "../path-oracle.ts";
import type { Blocker, Call, HeldTouch, History, Operation } from "./history.ts";

/** Who holds a feature, and what by it. A token of 0 is one that nobody was told yet. */
interface Hold {
  readonly session: string;
  readonly token: bigint;
  readonly touches: readonly HeldTouch[];
  /** Tokens of the extensions. */
  readonly more: readonly bigint[];
}

/** What the claims of one project are at one moment. Never changed: a step answers another one. */
export interface ClaimsState {
  readonly sessions: ReadonlyMap<string, { readonly client: string; readonly open: boolean }>;
  readonly holds: ReadonlyMap<string, Hold>;
  readonly done: ReadonlySet<string>;
  /** What each feature touches now: extensions stay with it. */
  readonly touches: ReadonlyMap<string, readonly HeldTouch[]>;
  /** Holds that have ended, whose paths may not be free yet: a refusal may still name them, until somebody gets them. */
  readonly lingering: ReadonlyMap<string, readonly HeldTouch[]>;
  /** The greatest token that was granted on each path... */
  readonly tokens: ReadonlyMap<string, bigint>;
  /** ...and for each feature, which may have no paths. */
  readonly tokensOfFeatures: ReadonlyMap<string, bigint>;
}

/**
 * - a state: the operation may happen now, and this is how things are then (the very same one where nothing changes);
 * - `impossible`: not now;
 * - `without effect`: an unknown outcome that changes nothing now, though it may later;
 * - `over`: an unknown outcome that can't change anything any more.
 */
export type Step = ClaimsState | "impossible" | "without effect" | "over";

/**
 * What claims mean, one operation after the other: the sequential specification that histories are compared with. It
 * knows nothing of stores, epochs and attempts; overlap is the oracle's.
 */
export class ClaimsSpec {
  readonly initial: ClaimsState;
  private readonly overlaps = new Map<string, boolean>();

  /** @param excused tells whether a refusal may name a hold that never came to be: an attempt that blocked for a while */
  constructor(
    history: Pick<History, "features">,
    private readonly excused: (operation: Operation, blocker: Blocker) => boolean,
  ) {
    this.initial = {
      sessions: new Map(),
      holds: new Map(),
      done: new Set(),
      touches: history.features,
      lingering: new Map(),
      tokens: new Map(),
      tokensOfFeatures: new Map(),
    };
  }

  step(state: ClaimsState, operation: Operation): Step {
    const { call, answer } = operation;
    if (answer.kind === "refused") return this.mayRefuse(state, operation, answer) ? state : "impossible";
    if (answer.kind === "unknown") return this.unknown(state, call);
    switch (call.do) {
      case "open":
        return answer.kind === "opened" ? open(state, call.client, answer.session) : "impossible";
      case "heartbeat": {
        if (answer.kind !== "alive" || !isOpen(state, call.session)) return "impossible";
        const held = [...state.holds.values()].filter((hold) => hold.session === call.session);
        const tokens = held.flatMap((hold) => [hold.token, ...hold.more]).filter((token) => token !== 0n);
        return tokens.every((token) => answer.tokens.includes(token)) ? state : "impossible";
      }
      case "close":
        return end(state, call.session);
      case "pick":
        return answer.kind === "granted"
          ? this.grant(state, call.session, call.feature, answer.token, answer.touches)
          : "impossible";
      case "extend":
        return answer.kind === "granted"
          ? this.extend(state, call.session, call.feature, call.token, answer.token, call.touches)
          : "impossible";
      case "release":
      case "done":
        return holds(state, call) ? withoutHold(state, call.feature, call.do === "done") : "impossible";
      case "verify":
        return answer.kind === "verified" && answer.covered === holds(state, call) ? state : "impossible";
      case "expire":
        return "impossible";
    }
  }

  /**
   * Whether an unknown outcome may be what makes another operation possible: it is of the same session or feature, or of
   * a session that holds what the other one wants.
   */
  mayHelp(state: ClaimsState, { call: helper }: Operation, { call: wanting, answer }: Operation): boolean {
    if (helper.do === "open") return false;
    if (wanting.do === "open") return state.sessions.get(helper.session)?.client === wanting.client;
    if (helper.session === wanting.session) return true;
    if ("feature" in helper && "feature" in wanting && helper.feature === wanting.feature) return true;
    if (wanting.do !== "pick" && wanting.do !== "extend") return false;
    const wanted =
      wanting.do === "extend"
        ? wanting.touches
        : answer.kind === "granted"
          ? answer.touches
          : (state.touches.get(wanting.feature) ?? []);
    for (const [feature, hold] of state.holds) {
      if (hold.session !== helper.session) continue;
      if (feature === wanting.feature || this.conflict(hold.touches, wanted)) return true;
    }
    return false;
  }

  /**
   * What of a state the operations that led to it do not tell, whatever their order. An unknown outcome that is behind us
   * may have had its effect or not: so what is done and what was extended are no less part of it than what is held.
   */
  keyOfState({ holds, lingering, done, touches }: ClaimsState): string {
    const held = [...holds].map(([feature, { session, token, more }]) => `${feature}=${session}/${token}/${more}`);
    const left = [...lingering].map(([key, old]) => `${key}=${old.length}`);
    const extended = [...touches].flatMap(([feature, all]) =>
      all === this.initial.touches.get(feature) ? [] : [`${feature}=${all.map(({ path }) => path)}`],
    );
    return [held, left, extended, [...done]].map((part) => part.sort().join()).join(";");
  }

  /** What may take effect although nobody was told. */
  private unknown(state: ClaimsState, call: Call): Step {
    if (call.do === "open") return "over"; // A session that nobody knows holds nothing.
    if (!isOpen(state, call.session)) return state.sessions.has(call.session) ? "over" : "without effect";
    switch (call.do) {
      case "expire":
      case "close":
        return end(state, call.session);
      case "pick": {
        if (state.done.has(call.feature)) return "over";
        if (state.holds.has(call.feature)) return "without effect";
        const touches = state.touches.get(call.feature) ?? [];
        return orNoEffect(this.grant(state, call.session, call.feature, 0n, touches));
      }
      case "extend":
        return orNoEffect(this.extend(state, call.session, call.feature, call.token, 0n, call.touches));
      case "release":
      case "done":
        return holds(state, call) ? withoutHold(state, call.feature, call.do === "done") : "without effect";
      default:
        return "over";
    }
  }

  private grant(
    state: ClaimsState,
    session: string,
    feature: string,
    token: bigint,
    touches: readonly HeldTouch[],
  ): ClaimsState | "impossible" {
    if (!isOpen(state, session) || state.done.has(feature)) return "impossible";
    const held = state.holds.get(feature);
    if (held !== undefined) {
      // Its own: the same claim again, whose token it may hear for the first time.
      if (held.session !== session) return "impossible";
      if (held.token === token) return state;
      return held.token === 0n ? withHold(state, feature, { ...held, token }) : "impossible";
    }
    if ([...state.holds.values()].some((hold) => hold.session === session)) return "impossible";
    if (!sameTouches(touches, state.touches.get(feature) ?? [])) return "impossible";
    if (!this.isFree(state, feature, touches) || !this.rises(state, token, feature, touches)) return "impossible";
    const granted = withHold(state, feature, { session, token, touches, more: [] });
    return this.afterGrant(granted, token, feature, touches);
  }

  private extend(
    state: ClaimsState,
    session: string,
    feature: string,
    pickToken: bigint,
    token: bigint,
    touches: readonly HeldTouch[],
  ): ClaimsState | "impossible" {
    const hold = state.holds.get(feature);
    if (hold === undefined || !holds(state, { session, feature, token: pickToken })) return "impossible";
    if (hold.more.includes(token) && token !== 0n) return state;
    if (!this.isFree(state, feature, touches) || !this.rises(state, token, feature, touches)) return "impossible";
    const union = [...hold.touches, ...touches.filter((touch) => !hold.touches.some((held) => isSame(held, touch)))];
    const extended = withHold(state, feature, { ...hold, touches: union, more: [...hold.more, token] });
    const all = { ...extended, touches: new Map(state.touches).set(feature, union) };
    return this.afterGrant(all, token, feature, touches);
  }

  /** Nobody else's hold is in the way. */
  private isFree(state: ClaimsState, feature: string, touches: readonly HeldTouch[]): boolean {
    for (const [other, hold] of state.holds) {
      if (other !== feature && this.conflict(hold.touches, touches)) return false;
    }
    return true;
  }

  private rises(state: ClaimsState, token: bigint, feature: string, touches: readonly HeldTouch[]): boolean {
    if (token === 0n) return true;
    if ((state.tokensOfFeatures.get(feature) ?? 0n) >= token) return false;
    for (const [path, greatest] of state.tokens) {
      if (greatest >= token && touches.some((touch) => this.overlap(path, touch.path))) return false;
    }
    return true;
  }

  /** What was granted is no longer anybody's who had it before, and its token is the greatest there. */
  private afterGrant(state: ClaimsState, token: bigint, feature: string, touches: readonly HeldTouch[]): ClaimsState {
    const lingering = new Map(
      [...state.lingering].filter(([key, old]) => !key.endsWith(` ${feature}`) && !this.conflict(old, touches)),
    );
    const tokens = new Map(state.tokens);
    if (token === 0n) return { ...state, lingering };
    for (const { path } of touches) tokens.set(path, token);
    return { ...state, lingering, tokens, tokensOfFeatures: new Map(state.tokensOfFeatures).set(feature, token) };
  }

  private mayRefuse(
    state: ClaimsState,
    operation: Operation,
    { reason, blockers }: { readonly reason: string; readonly blockers: readonly Blocker[] },
  ): boolean {
    const { call } = operation;
    if (call.do === "open" || call.do === "expire") return false;
    const session = state.sessions.get(call.session);
    if (session === undefined) return false;
    if (reason === "SESSION_EXPIRED") return !session.open;
    switch (reason) {
      case "CLAIM_CONFLICT":
      case "FEATURE_ALREADY_HELD":
        return blockers.length > 0 && blockers.every((blocker) => this.stands(state, operation, blocker));
      case "SESSION_BUSY":
        return blockers.some(({ feature }) => state.holds.get(feature)?.session === call.session);
      case "STATUS_TRANSITION_INVALID":
        return "feature" in call && state.done.has(call.feature);
      case "FENCING_TOKEN_STALE":
      case "CLAIM_LOST":
        if (call.do === "pick") return state.holds.get(call.feature)?.session !== call.session;
        return "token" in call && !holds(state, call);
      default:
        return false;
    }
  }

  private stands(state: ClaimsState, operation: Operation, blocker: Blocker): boolean {
    const live = state.holds.get(blocker.feature)?.session === blocker.session;
    return live || state.lingering.has(keyOf(blocker)) || this.excused(operation, blocker);
  }

  private conflict(some: readonly HeldTouch[], others: readonly HeldTouch[]): boolean {
    return some.some((a) =>
      others.some((b) => (a.mode === "exclusive" || b.mode === "exclusive") && this.overlap(a.path, b.path)),
    );
  }

  private overlap(a: string, b: string): boolean {
    const key = `${a} ${b}`;
    let known = this.overlaps.get(key);
    if (known === undefined) {
      known = oracleOverlap(a, b);
      this.overlaps.set(key, known);
    }
    return known;
  }
}

function open(state: ClaimsState, client: string, session: string): ClaimsState | "impossible" {
  const known = state.sessions.get(session);
  if (known !== undefined) return known.open && known.client === client ? state : "impossible";
  for (const other of state.sessions.values()) {
    if (other.client === client && other.open) return "impossible";
  }
  return { ...state, sessions: new Map(state.sessions).set(session, { client, open: true }) };
}

/** A session that has ended holds nothing; ending it again changes nothing. */
function end(state: ClaimsState, session: string): ClaimsState | "impossible" {
  const known = state.sessions.get(session);
  if (known === undefined) return "impossible";
  if (!known.open) return state;
  let ended: ClaimsState = { ...state, sessions: new Map(state.sessions).set(session, { ...known, open: false }) };
  for (const [feature, hold] of state.holds) {
    if (hold.session === session) ended = withoutHold(ended, feature, false);
  }
  return ended;
}

function withHold(state: ClaimsState, feature: string, hold: Hold): ClaimsState {
  return { ...state, holds: new Map(state.holds).set(feature, hold) };
}

function withoutHold(state: ClaimsState, feature: string, isDone: boolean): ClaimsState {
  const holds = new Map(state.holds);
  const hold = holds.get(feature);
  if (hold === undefined) return state;
  holds.delete(feature);
  const lingering = new Map(state.lingering).set(keyOf({ session: hold.session, feature }), hold.touches);
  return { ...state, holds, lingering, done: isDone ? new Set(state.done).add(feature) : state.done };
}

/** Whether the session holds the feature under the token of its pick. */
function holds(
  state: ClaimsState,
  { session, feature, token }: { readonly session: string; readonly feature: string; readonly token: bigint },
): boolean {
  const hold = state.holds.get(feature);
  return hold !== undefined && hold.session === session && (hold.token === token || hold.token === 0n);
}

function isOpen(state: ClaimsState, session: string): boolean {
  return state.sessions.get(session)?.open === true;
}

function orNoEffect(step: ClaimsState | "impossible"): Step {
  return step === "impossible" ? "without effect" : step;
}

function keyOf({ session, feature }: Blocker): string {
  return `${session} ${feature}`;
}

function isSame(a: HeldTouch, b: HeldTouch): boolean {
  return a.path === b.path && a.mode === b.mode;
}

function sameTouches(some: readonly HeldTouch[], others: readonly HeldTouch[]): boolean {
  return some.length === others.length && some.every((a) => others.some((b) => isSame(a, b)));
}
