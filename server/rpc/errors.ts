import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "@nexus/gen/google/rpc/error_details_pb";
import {
  ClaimConflictSchema,
  ClaimLostSchema,
  DependenciesUnmetSchema,
  DependencyCycleSchema,
  EtagMismatchSchema,
  FeatureAlreadyHeldSchema,
  FencingTokenStaleSchema,
  PermissionDeniedSchema,
  SessionBusySchema,
  SessionExpiredSchema,
  StatusTransitionInvalidSchema,
} from "@nexus/gen/nexus/v1/error_details_pb";
import {
  ClaimsRecoveringError,
  type ErrorReason,
  EtagMismatchError,
  LimitExceededError,
  NexusError,
  PathInvalidError,
  PermissionDeniedError,
  RateLimitedError,
  RequestInvalidError,
  ResourceAlreadyExistsError,
  ResourceNotFoundError,
  StoreUnavailableError,
  TouchTooBroadError,
} from "../domain/errors.ts";
import {
  ClaimConflictError,
  ClaimLostError,
  DependenciesUnmetError,
  DependencyCycleError,
  FeatureAlreadyHeldError,
  FencingTokenStaleError,
  SessionBusyError,
  StatusTransitionInvalidError,
} from "../domain/features/feature-errors.ts";
import { SessionExpiredError } from "../domain/sessions/session-errors.ts";
import {
  blockedToProto,
  causeToProto,
  holderToProto,
  laneToProto,
  statusToProto,
  touchToProto,
} from "./convert/feature.ts";
import { timeToProto } from "./convert/time.ts";

/** Whose reasons these are. */
const ERROR_DOMAIN = "nexus.v1";

type Detail = { desc: DescMessage; value: Record<string, unknown> };

const CODES: Record<ErrorReason, Code> = {
  CLAIM_CONFLICT: Code.FailedPrecondition,
  CLAIM_LOST: Code.Aborted,
  CLAIMS_RECOVERING: Code.Unavailable,
  CREDENTIALS_INVALID: Code.Unauthenticated,
  DEPENDENCIES_UNMET: Code.FailedPrecondition,
  DEPENDENCY_CYCLE: Code.FailedPrecondition,
  ETAG_MISMATCH: Code.Aborted,
  FEATURE_ALREADY_HELD: Code.FailedPrecondition,
  FENCING_TOKEN_STALE: Code.Aborted,
  INTERNAL: Code.Internal,
  LAST_OWNER: Code.FailedPrecondition,
  LIMIT_EXCEEDED: Code.ResourceExhausted,
  PATH_INVALID: Code.InvalidArgument,
  PERMISSION_DENIED: Code.PermissionDenied,
  RATE_LIMITED: Code.ResourceExhausted,
  REGISTRATION_CLOSED: Code.PermissionDenied,
  REQUEST_ID_REUSED: Code.FailedPrecondition,
  REQUEST_INVALID: Code.InvalidArgument,
  RESOURCE_ALREADY_EXISTS: Code.AlreadyExists,
  RESOURCE_NOT_FOUND: Code.NotFound,
  SESSION_BUSY: Code.FailedPrecondition,
  SESSION_EXPIRED: Code.FailedPrecondition,
  STATUS_TRANSITION_INVALID: Code.FailedPrecondition,
  STORE_UNAVAILABLE: Code.Unavailable,
  TOUCH_TOO_BROAD: Code.ResourceExhausted,
};

/** How long a client that was refused because of a conflict does well to wait before it asks for the same again. */
const CONFLICT_RETRY_MS = 5_000;
const STORE_RETRY_MS = 500;

/**
 * The wire form of anything a handler threw. What is not the domain's nor Connect's own is a defect: the caller gets
 * INTERNAL with the request id, the log gets the cause.
 */
export function errorToWire(error: unknown, callId: string): ConnectError {
  if (error instanceof NexusError) {
    return withInfo(new ConnectError(error.message, CODES[error.reason]), error.reason, {}, detailsOf(error), error);
  }
  if (error instanceof ConnectError) {
    if (error.findDetails(ErrorInfoSchema).length > 0) return error;
    const reason = CONNECT_REASONS[error.code];
    if (reason !== undefined) return withInfo(error, reason, {}, [], error.cause);
  }
  return withInfo(
    new ConnectError(`internal error; the server's log has the cause under call id ${callId}`, Code.Internal),
    "INTERNAL",
    { callId },
    [],
    error,
  );
}

/** Errors that Connect itself raises before or around a handler. */
const CONNECT_REASONS: Partial<Record<Code, string>> = {
  [Code.InvalidArgument]: "REQUEST_INVALID",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.ResourceExhausted]: "LIMIT_EXCEEDED",
  [Code.Canceled]: "CANCELLED",
};

function withInfo(
  error: ConnectError,
  reason: string,
  metadata: Record<string, string>,
  details: readonly Detail[],
  cause: unknown,
): ConnectError {
  const wire = new ConnectError(error.rawMessage, error.code, error.metadata, undefined, cause);
  wire.details = [
    { desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN, metadata } },
    ...details.map(({ desc, value }) => ({ desc, value: create(desc, value as MessageInitShape<DescMessage>) })),
  ];
  return wire;
}

function detail<Desc extends DescMessage>(desc: Desc, value: MessageInitShape<Desc>): Detail {
  return { desc, value: value as Record<string, unknown> };
}

function retryAfter(ms: number): Detail {
  return detail(RetryInfoSchema, { retryDelay: durationFromMs(ms) });
}

/** The typed details of each error: the one table between the domain's errors and the wire's. */
function detailsOf(error: NexusError): Detail[] {
  if (error instanceof RequestInvalidError || error instanceof PathInvalidError) {
    return [detail(BadRequestSchema, { fieldViolations: error.violations.map((v) => ({ ...v })) })];
  }
  if (error instanceof ClaimConflictError) {
    return [
      detail(ClaimConflictSchema, {
        blocked: error.blocked.map(blockedToProto),
        suggestions: error.suggestions.map((s) => ({ slug: s.slug, title: s.title, lane: laneToProto(s.lane) })),
      }),
      retryAfter(CONFLICT_RETRY_MS),
    ];
  }
  if (error instanceof FeatureAlreadyHeldError) {
    return [detail(FeatureAlreadyHeldSchema, { holder: holderToProto(error.holder) })];
  }
  if (error instanceof FencingTokenStaleError) {
    return [detail(FencingTokenStaleSchema, { featureSlug: error.featureSlug, status: statusToProto(error.status) })];
  }
  if (error instanceof SessionExpiredError) {
    return [
      detail(SessionExpiredSchema, {
        expireTime: timeToProto(error.expireTime),
        lostFeatureSlug: error.lostFeatureSlug ?? "",
        lostTouches: error.lostTouches.map(touchToProto),
      }),
    ];
  }
  if (error instanceof SessionBusyError) return [detail(SessionBusySchema, { featureSlug: error.featureSlug })];
  if (error instanceof StatusTransitionInvalidError) {
    return [
      detail(StatusTransitionInvalidSchema, {
        featureSlug: error.featureSlug,
        from: statusToProto(error.from),
        asked: statusToProto(error.asked),
        allowed: error.allowed.map(statusToProto),
      }),
    ];
  }
  if (error instanceof DependenciesUnmetError) {
    return [
      detail(DependenciesUnmetSchema, {
        unmet: error.unmet.map((u) => ({ slug: u.slug, status: statusToProto(u.status) })),
      }),
    ];
  }
  if (error instanceof DependencyCycleError) return [detail(DependencyCycleSchema, { cycle: [...error.cycle] })];
  if (error instanceof ClaimLostError) {
    return [detail(ClaimLostSchema, { featureSlug: error.featureSlug, cause: causeToProto(error.interruptionCause) })];
  }
  if (error instanceof EtagMismatchError) return [detail(EtagMismatchSchema, { currentEtag: error.currentEtag })];
  if (error instanceof PermissionDeniedError) return [detail(PermissionDeniedSchema, { neededRole: error.neededRole })];
  if (error instanceof ResourceNotFoundError || error instanceof ResourceAlreadyExistsError) {
    return [
      detail(ResourceInfoSchema, {
        resourceType: error.resourceType,
        resourceName: error.resourceName,
        description: error.message,
      }),
    ];
  }
  if (error instanceof LimitExceededError) {
    return [detail(QuotaFailureSchema, { violations: [{ subject: error.subject, description: error.message }] })];
  }
  if (error instanceof TouchTooBroadError) {
    return [detail(QuotaFailureSchema, { violations: [{ subject: error.path, description: error.message }] })];
  }
  if (error instanceof RateLimitedError || error instanceof ClaimsRecoveringError) {
    return [retryAfter(error.retryAfterMs)];
  }
  if (error instanceof StoreUnavailableError) return [retryAfter(STORE_RETRY_MS)];
  return [];
}
