import type { DescMessage, JsonObject, Message, MessageShape, Registry } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { ErrorInfo, RetryInfo } from "@nexus/gen/google/rpc/error_details_pb";
import type { ErrorReason } from "@nexus/gen/nexus/v1/error_reason_pb";

/** A status code in the words of the Connect protocol. */
export type ErrorCode =
  | "aborted"
  | "already_exists"
  | "canceled"
  | "data_loss"
  | "deadline_exceeded"
  | "failed_precondition"
  | "internal"
  | "invalid_argument"
  | "not_found"
  | "out_of_range"
  | "permission_denied"
  | "resource_exhausted"
  | "unauthenticated"
  | "unavailable"
  | "unimplemented"
  | "unknown";

/** Why the server refused: the names of `nexus.v1.ErrorReason`. */
export type ServerReason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/**
 * Why a call failed: what the server said, or what this side found out for itself.
 *
 * - `SERVER_UNREACHABLE`: nobody answered at that address, or the connection broke; the outcome may be unknown.
 * - `ANSWER_UNRECOGNISED`: something answered that is no Nexus server, or one that this client does not understand.
 * - `CANCELLED`: the caller's own AbortSignal ended the call.
 */
export type NexusErrorReason = ServerReason | "SERVER_UNREACHABLE" | "ANSWER_UNRECOGNISED" | "CANCELLED";

/** The form in which programs read a failure: `nexus … --json` prints it on stderr. */
export interface ErrorJson {
  readonly error: {
    readonly code: string;
    readonly reason: string;
    readonly message: string;
    readonly details: readonly JsonObject[];
  };
}

/** What a NexusError is made of. */
export interface NexusErrorFields {
  readonly code: ErrorCode;
  readonly reason: NexusErrorReason;
  readonly message: string;
  readonly details?: readonly Message[];
  /** The types of the details: what writes them as JSON. */
  readonly detailTypes?: Registry;
  readonly cause?: unknown;
}

/**
 * Every failure of a call. The reason decides what to do; data is in the details; the message is for people and is
 * never to be parsed.
 */
export class NexusError extends Error {
  override readonly name = "NexusError";
  readonly code: ErrorCode;
  readonly reason: NexusErrorReason;
  /** The typed messages that came with the refusal, as far as this client knows their types. */
  readonly details: readonly Message[];
  readonly #detailTypes: Registry | undefined;

  constructor(fields: NexusErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.code = fields.code;
    this.reason = fields.reason;
    this.details = fields.details ?? [];
    this.#detailTypes = fields.detailTypes;
  }

  /** The first detail of that type: `error.detail(ClaimConflictSchema)?.blocked`. */
  detail<Desc extends DescMessage>(type: Desc): MessageShape<Desc> | undefined {
    return this.details.find((detail): detail is MessageShape<Desc> => detail.$typeName === type.typeName);
  }

  /** How long the server asks to wait before the next attempt, in milliseconds; undefined where it does not say. */
  get retryAfterMs(): number | undefined {
    // Found by its name: with its schema a program that only ever succeeds would load the types of every detail.
    const info = this.details.find((detail): detail is RetryInfo => detail.$typeName === "google.rpc.RetryInfo");
    const delay = info?.retryDelay;
    return delay === undefined ? undefined : Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000;
  }

  /** Nexus' own details come first; google.rpc.ErrorInfo only where it says more than the reason does. */
  toJson(): ErrorJson {
    const told = this.details.filter((detail) => !isBareErrorInfo(detail));
    const own = told.filter((detail) => detail.$typeName.startsWith("nexus."));
    const others = told.filter((detail) => !detail.$typeName.startsWith("nexus."));
    return {
      error: {
        code: this.code,
        reason: this.reason,
        message: this.message,
        details: [...own, ...others].map((detail) => detailToJson(detail, this.#detailTypes)),
      },
    };
  }
}

function isBareErrorInfo(detail: Message): boolean {
  return detail.$typeName === "google.rpc.ErrorInfo" && Object.keys((detail as ErrorInfo).metadata).length === 0;
}

function detailToJson(detail: Message, types: Registry | undefined): JsonObject {
  const type = types?.getMessage(detail.$typeName);
  const fields = type === undefined ? {} : (toJson(type, detail, { alwaysEmitImplicit: true }) as JsonObject);
  return { "@type": detail.$typeName, ...fields };
}
