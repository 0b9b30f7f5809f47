/**
 * Where the two stores did not say the same, found and mended by the reconciler.
 *
 * - `overdue-claim`: granted, and nobody said whether it was committed.
 * - `unfreed-claim`: ended in Postgres for more than a second, and not freed.
 * - `claim-without-record`: in the claim store, and Postgres knows that it is over, or nothing of it.
 * - `record-without-claim`: a feature is active under a claim that the claim store does not have; an alarm.
 * - `session-without-lease`: open in Postgres, and the claim store has no lease of it.
 *
 * The first two and the last happen when a server or a store goes away in the midst of a call. The others can't by the
 * protocol.
 */
export type DeviationKind =
  | "overdue-claim"
  | "unfreed-claim"
  | "claim-without-record"
  | "record-without-claim"
  | "session-without-lease";

/** Told of a deviation and how old it was when it was found, by the clock of this server: a figure, not a decision. */
export type ReportDeviation = (kind: DeviationKind, ageMs: number, data: Record<string, unknown>) => void;
