import type { NexusErrorReason } from "@nexus/client";

/** What a command's exit code says. Scripts rely on it. */
export const ExitCode = {
  Ok: 0,
  /** Refused or failed for a reason that has no code of its own. */
  Failure: 1,
  /** The command line can't be understood. */
  Usage: 2,
  /** Somebody else holds it, or nothing is free. */
  Conflict: 3,
  /** The server can't be reached, does not answer in time, or can't answer yet. */
  Unreachable: 4,
  /** Not logged in, or not allowed. */
  NotAllowed: 5,
  /** The caller's hold on a feature has ended without its doing. */
  Stale: 6,
} as const;

/** One of the exit codes above. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const CODES: Partial<Record<NexusErrorReason, ExitCode>> = {
  CLAIM_CONFLICT: ExitCode.Conflict,
  FEATURE_ALREADY_HELD: ExitCode.Conflict,
  SESSION_BUSY: ExitCode.Conflict,
  NOTHING_AVAILABLE: ExitCode.Conflict,
  SERVER_UNREACHABLE: ExitCode.Unreachable,
  ANSWER_UNRECOGNISED: ExitCode.Unreachable,
  DEADLINE_EXCEEDED: ExitCode.Unreachable,
  STORE_UNAVAILABLE: ExitCode.Unreachable,
  CLAIMS_RECOVERING: ExitCode.Unreachable,
  SERVER_DRAINING: ExitCode.Unreachable,
  CREDENTIALS_INVALID: ExitCode.NotAllowed,
  PERMISSION_DENIED: ExitCode.NotAllowed,
  REGISTRATION_CLOSED: ExitCode.NotAllowed,
  FENCING_TOKEN_STALE: ExitCode.Stale,
  SESSION_EXPIRED: ExitCode.Stale,
  CLAIM_LOST: ExitCode.Stale,
};

/** The exit code of a call that failed for this reason. */
export function exitCodeOf(reason: NexusErrorReason): ExitCode {
  return CODES[reason] ?? ExitCode.Failure;
}
