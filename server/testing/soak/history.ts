import type { ClaimMode } from "../../domain/claims/claim-store.ts";

/** A path or pattern with its mode, in the words that the oracle knows. */
export interface HeldTouch {
  readonly path: string;
  readonly mode: ClaimMode;
}

/** A hold that a refusal names as what stands in the way. */
export interface Blocker {
  readonly session: string;
  readonly feature: string;
}

/** What a client asked, in terms of the claims of one project. `expire` is nobody's call: it happens to a session. */
export type Call =
  | { readonly do: "open"; readonly client: string }
  | { readonly do: "heartbeat" | "close" | "expire"; readonly session: string }
  | { readonly do: "pick"; readonly session: string; readonly feature: string }
  | {
      readonly do: "extend";
      readonly session: string;
      readonly feature: string;
      readonly token: bigint;
      readonly touches: readonly HeldTouch[];
    }
  | { readonly do: "release" | "done"; readonly session: string; readonly feature: string; readonly token: bigint }
  | { readonly do: "verify"; readonly session: string; readonly feature: string; readonly token: bigint };

/** What the client was told. `unknown` is what it was not told: the call may have happened, or may happen yet. */
export type Answer =
  | { readonly kind: "opened"; readonly session: string }
  | { readonly kind: "alive"; readonly tokens: readonly bigint[] }
  | { readonly kind: "granted"; readonly token: bigint; readonly touches: readonly HeldTouch[] }
  | { readonly kind: "ended" }
  | { readonly kind: "verified"; readonly covered: boolean }
  | { readonly kind: "refused"; readonly reason: string; readonly blockers: readonly Blocker[] }
  | { readonly kind: "unknown" };

/** One call with its answer. Times are milliseconds of the recorder's monotonic clock. */
export interface Operation {
  readonly call: Call;
  readonly answer: Answer;
  /** It took effect after this... */
  readonly invoke: number;
  /** ...and before this; Infinity when it may still take effect, or never does. */
  readonly return: number;
  /** Earlier attempts of it were not answered, and may have left something behind. */
  readonly retried?: boolean;
}

/** What was seen of one project. */
export interface History {
  readonly operations: readonly Operation[];
  /** What each feature touches when it is created. */
  readonly features: ReadonlyMap<string, readonly HeldTouch[]>;
}

/** How a request went: the same request id, sent again and again until somebody answered. */
export interface Exchange {
  readonly call: Call;
  readonly answer: Answer;
  readonly firstSent: number;
  /** When the attempt was sent that was answered. */
  readonly lastSent: number;
  readonly answered: number;
  /** Attempts that were sent and never answered: any may take effect at any time, but all of them together once. */
  readonly unanswered: number;
}

/** Writes down what the clients of one project do. */
export class HistoryRecorder {
  readonly features = new Map<string, readonly HeldTouch[]>();
  private readonly operations: Operation[] = [];

  /** How many holds their holders have ended so far. */
  endedHolds(): number {
    return this.operations.filter(
      ({ call, answer }) => (call.do === "release" || call.do === "done") && answer.kind === "ended",
    ).length;
  }

  add({ call, answer, firstSent, lastSent, answered, unanswered }: Exchange): void {
    const changes = call.do !== "heartbeat" && call.do !== "verify";
    const refused = answer.kind === "refused";
    if (answer.kind !== "unknown") {
      // What was granted may have been granted to an earlier attempt; a refusal is the last attempt's own.
      this.operations.push({
        call,
        answer,
        invoke: refused ? lastSent : firstSent,
        return: answered,
        retried: unanswered > 0,
      });
    }
    if (changes && unanswered > 0 && (refused || answer.kind === "unknown")) {
      this.operations.push({
        call,
        answer: { kind: "unknown" },
        invoke: firstSent,
        return: Number.POSITIVE_INFINITY,
      });
    }
  }

  /**
   * The history, with an expiry for each session that may have expired: not before its lease can have run out, counted
   * from when the last answered sign of life was sent.
   *
   * @param ttlMs of the project
   */
  history(ttlMs: number): History {
    const lastRenewals = new Map<string, number>();
    for (const { call, answer, invoke } of this.operations) {
      const session = renewedBy(call, answer);
      if (session !== undefined) lastRenewals.set(session, Math.max(invoke, lastRenewals.get(session) ?? 0));
    }
    const expiries = [...lastRenewals].map(
      ([session, renewed]): Operation => ({
        call: { do: "expire", session },
        answer: { kind: "unknown" },
        invoke: renewed + ttlMs,
        return: Number.POSITIVE_INFINITY,
      }),
    );
    return { operations: [...this.operations, ...expiries], features: this.features };
  }
}

/** The session whose lease an answer has certainly renewed. */
function renewedBy(call: Call, answer: Answer): string | undefined {
  if (answer.kind === "opened") return answer.session;
  const renews = answer.kind === "alive" || answer.kind === "granted";
  return renews && "session" in call ? call.session : undefined;
}
