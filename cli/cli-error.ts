import type { ErrorCode, ErrorJson } from "@nexus/client";
import { ExitCode } from "./exit-codes.ts";

/** Why the command line itself refuses, before or instead of asking the server. */
export type CliReason =
  /** The command line can't be understood. */
  | "USAGE_INVALID"
  /** Nothing says which project is meant. */
  | "PROJECT_NOT_CHOSEN"
  /** There is no key for the server. */
  | "CREDENTIALS_INVALID"
  /** A path that is not below the repository's root. */
  | "PATH_INVALID"
  /** The session has picked nothing from here, or its token was not kept. */
  | "NOTHING_PICKED"
  /** A file of the user's, or of the repository, that can't be read or written. */
  | "FILE_UNUSABLE"
  /** The server's program is not there, or failed. */
  | "SERVER_PROGRAM_FAILED";

const ANSWERS: Record<CliReason, { readonly code: ErrorCode; readonly exitCode: ExitCode }> = {
  USAGE_INVALID: { code: "invalid_argument", exitCode: ExitCode.Usage },
  PROJECT_NOT_CHOSEN: { code: "invalid_argument", exitCode: ExitCode.Usage },
  CREDENTIALS_INVALID: { code: "unauthenticated", exitCode: ExitCode.NotAllowed },
  PATH_INVALID: { code: "invalid_argument", exitCode: ExitCode.Failure },
  NOTHING_PICKED: { code: "failed_precondition", exitCode: ExitCode.Failure },
  FILE_UNUSABLE: { code: "failed_precondition", exitCode: ExitCode.Failure },
  SERVER_PROGRAM_FAILED: { code: "internal", exitCode: ExitCode.Failure },
};

/** A refusal of the command line itself, in the same form as those of the server. */
export class CliError extends Error {
  override readonly name = "CliError";

  /** `next` is the command to run now, or empty. */
  constructor(
    readonly reason: CliReason,
    message: string,
    readonly next = "",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get exitCode(): ExitCode {
    return ANSWERS[this.reason].exitCode;
  }

  toJson(): ErrorJson {
    const message = this.next === "" ? this.message : `${this.message}; run: ${this.next}`;
    return { error: { code: ANSWERS[this.reason].code, reason: this.reason, message, details: [] } };
  }
}
