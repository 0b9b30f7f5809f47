/**
 * The reasons an operation may be refused for; the same words travel in `google.rpc.ErrorInfo.reason`.
 * Codes and details are in proto/nexus/v1/error_reason.proto.
 */
export type ErrorReason =
  | "CLAIM_CONFLICT"
  | "CLAIM_LOST"
  | "CLAIMS_RECOVERING"
  | "CREDENTIALS_INVALID"
  | "DEPENDENCIES_UNMET"
  | "DEPENDENCY_CYCLE"
  | "ETAG_MISMATCH"
  | "EVENT_CURSOR_EXPIRED"
  | "FEATURE_ALREADY_HELD"
  | "FENCING_TOKEN_STALE"
  | "INTERNAL"
  | "LAST_OWNER"
  | "LIMIT_EXCEEDED"
  | "NOTHING_AVAILABLE"
  | "PATH_INVALID"
  | "PERMISSION_DENIED"
  | "RATE_LIMITED"
  | "REGISTRATION_CLOSED"
  | "REQUEST_ID_REUSED"
  | "REQUEST_INVALID"
  | "RESOURCE_ALREADY_EXISTS"
  | "RESOURCE_NOT_FOUND"
  | "SERVER_DRAINING"
  | "SESSION_BUSY"
  | "SESSION_EXPIRED"
  | "STATUS_TRANSITION_INVALID"
  | "STORE_UNAVAILABLE"
  | "SUPERSESSION_CYCLE"
  | "TOUCH_TOO_BROAD"
  | "WATCHER_TOO_SLOW";

/** Every refusal of the domain. Data is in the fields of the subclasses; the message is derived from it. */
export abstract class NexusError extends Error {
  abstract readonly reason: ErrorReason;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What is wrong with one field of a request, named as in the proto (`touches[2].path`), with what to write instead. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A request that can't be meant: nothing was looked up or changed. */
export class RequestInvalidError extends NexusError {
  readonly reason = "REQUEST_INVALID";

  constructor(readonly violations: readonly FieldViolation[]) {
    super(violationsMessage(violations));
  }
}

/** A path or pattern that is not in the path language. */
export class PathInvalidError extends NexusError {
  readonly reason = "PATH_INVALID";

  constructor(readonly violations: readonly FieldViolation[]) {
    super(violationsMessage(violations));
  }
}

/** The thing does not exist, or the caller may not see it: the two look alike. */
export class ResourceNotFoundError extends NexusError {
  readonly reason = "RESOURCE_NOT_FOUND";

  constructor(
    readonly resourceType: string,
    readonly resourceName: string,
    hint = "",
  ) {
    super(`no ${resourceType} ${JSON.stringify(resourceName)} that you can see${hint === "" ? "" : `; ${hint}`}`);
  }
}

/** Something else has that name already. */
export class ResourceAlreadyExistsError extends NexusError {
  readonly reason = "RESOURCE_ALREADY_EXISTS";

  constructor(
    readonly resourceType: string,
    readonly resourceName: string,
    hint = "choose another name",
  ) {
    super(`${resourceType} ${JSON.stringify(resourceName)} exists already; ${hint}`);
  }
}

/** The key is missing, malformed, unknown, expired or revoked; which of them is not said. */
export class CredentialsInvalidError extends NexusError {
  readonly reason = "CREDENTIALS_INVALID";

  constructor(what = "the API key is not valid (unknown, expired or revoked); log in with 'nexus login'") {
    super(what);
  }
}

/** The caller may see it but not do that. */
export class PermissionDeniedError extends NexusError {
  readonly reason = "PERMISSION_DENIED";

  constructor(
    readonly neededRole: string,
    what: string,
  ) {
    super(`${what} (needs the role ${neededRole})`);
  }
}

/** The server does not take new engineers, or only invited ones. */
export class RegistrationClosedError extends NexusError {
  readonly reason = "REGISTRATION_CLOSED";

  constructor() {
    super("this server does not take registrations (NEXUS_REGISTRATION); ask its operator for an invitation");
  }
}

/** The resource changed since the caller read it. */
export class EtagMismatchError extends NexusError {
  readonly reason = "ETAG_MISMATCH";

  constructor(readonly currentEtag: string) {
    super(`it changed since you read it; read it again (its etag is now ${currentEtag}) and repeat`);
  }
}

/** The request id came with another body before. */
export class RequestIdReusedError extends NexusError {
  readonly reason = "REQUEST_ID_REUSED";

  constructor(readonly requestId: string) {
    super(`request_id ${requestId} was used for a different request; use a new UUID for each new request`);
  }
}

/** The project would be left without an owner. */
export class LastOwnerError extends NexusError {
  readonly reason = "LAST_OWNER";

  constructor() {
    super("a project must keep an owner; make another member owner first, or delete the project");
  }
}

/** A bound of the server was reached; nothing was changed. */
export class LimitExceededError extends NexusError {
  readonly reason = "LIMIT_EXCEEDED";

  constructor(
    readonly subject: string,
    readonly limit: number,
    hint: string,
  ) {
    super(`${subject}: at most ${limit}; ${hint}`);
  }
}

/** A touch would have to be compared with too much of what is held. */
export class TouchTooBroadError extends NexusError {
  readonly reason = "TOUCH_TOO_BROAD";

  constructor(readonly path: string) {
    super(`the touch ${JSON.stringify(path)} is too broad to be compared with everything held; name narrower paths`);
  }
}

/** More calls than the server takes of one caller at a time. */
export class RateLimitedError extends NexusError {
  readonly reason = "RATE_LIMITED";

  constructor(readonly retryAfterMs: number) {
    super(`too many attempts; try again in ${Math.ceil(retryAfterMs / 1000)} s`);
  }
}

/** A store can't be reached or did not answer in time. The outcome may be unknown; repeat with the same request id. */
export class StoreUnavailableError extends NexusError {
  readonly reason = "STORE_UNAVAILABLE";

  constructor(
    readonly store: "postgres" | "claims",
    options?: ErrorOptions,
  ) {
    super(`the ${store === "postgres" ? "database" : "claim store"} does not answer; try again`, options);
  }
}

/** The project's claims are being rebuilt; until then nothing is granted. */
export class ClaimsRecoveringError extends NexusError {
  readonly reason = "CLAIMS_RECOVERING";

  constructor(readonly retryAfterMs = 500) {
    super("the claims of this project are being rebuilt after their store lost them; try again in a moment");
  }
}

function violationsMessage(violations: readonly FieldViolation[]): string {
  return violations.map((v) => `${v.field}: ${v.description}`).join("; ");
}
