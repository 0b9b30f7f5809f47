import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
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
  EventCursorExpiredSchema,
  FeatureAlreadyHeldSchema,
  FencingTokenStaleSchema,
  NothingAvailableSchema,
  PermissionDeniedSchema,
  SessionBusySchema,
  SessionExpiredSchema,
  StatusTransitionInvalidSchema,
  StreamResumeSchema,
  SupersessionCycleSchema,
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
import { EventCursorExpiredError, ServerDrainingError, WatcherTooSlowError } from "../domain/events/event-errors.ts";
import {
  ClaimConflictError,
  ClaimLostError,
  DependenciesUnmetError,
  DependencyCycleError,
  FeatureAlreadyHeldError,
  FencingTokenStaleError,
  NothingAvailableError,
  SessionBusyError,
  StatusTransitionInvalidError,
} from "../domain/features/feature-errors.ts";
import { SupersessionCycleError } from "../domain/knowledge/supersession-cycle-error.ts";
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
  EVENT_CURSOR_EXPIRED: Code.OutOfRange,
  FEATURE_ALREADY_HELD: Code.FailedPrecondition,
  FENCING_TOKEN_STALE: Code.Aborted,
  INTERNAL: Code.Internal,
  LAST_OWNER: Code.FailedPrecondition,
  LIMIT_EXCEEDED: Code.ResourceExhausted,
  NOTHING_AVAILABLE: Code.NotFound,
  PATH_INVALID: Code.InvalidArgument,
  PERMISSION_DENIED: Code.PermissionDenied,
  RATE_LIMITED: Code.ResourceExhausted,
  REGISTRATION_CLOSED: Code.PermissionDenied,
  REQUEST_ID_REUSED: Code.FailedPrecondition,
  REQUEST_INVALID: Code.InvalidArgument,
  RESOURCE_ALREADY_EXISTS: Code.AlreadyExists,
  RESOURCE_NOT_FOUND: Code.NotFound,
  SERVER_DRAINING: Code.Unavailable,
  SESSION_BUSY: Code.FailedPrecondition,
  SESSION_EXPIRED: Code.FailedPrecondition,
  STATUS_TRANSITION_INVALID: Code.FailedPrecondition,
  STORE_UNAVAILABLE: Code.Unavailable,
  SUPERSESSION_CYCLE: Code.FailedPrecondition,
  TOUCH_TOO_BROAD: Code.ResourceExhausted,
  WATCHER_TOO_SLOW: Code.ResourceExhausted,
};

/** How long a client that was refused because of a conflict does well to wait before it asks for the same again. */
const CONFLICT_RETRY_MS = 5_000;
const STORE_RETRY_MS = 500;

/**
 * The wire form of anything a handler threw. What is not the domain's nor Connect's own is a defect: the caller gets
 * INTERNAL with the request id, the log gets the cause.
 *
 * @param detailBytes the room for the typed detail, where the protocol bounds it; what does not fit is counted in it
 */
export function errorToWire(error: unknown, callId: string, detailBytes?: number): ConnectError {
  if (error instanceof NexusError) {
    const details = detailsOf(error).map((one) => fitted(one, detailBytes ?? Number.POSITIVE_INFINITY));
    const wire = new ConnectError(shortened(error.message), CODES[error.reason]);
    return withInfo(wire, error.reason, {}, details, error);
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

/** Characters of a message; the typed details have the whole. */
const MAX_MESSAGE = 1_000;

function shortened(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}

/** The list of a detail that may be too long for the protocol. */
const LISTS = new Map<DescMessage, string>([
  [ClaimConflictSchema, "blocked"],
  [NothingAvailableSchema, "blocked"],
  [SessionExpiredSchema, "lostTouches"],
]);

/** The same detail with as many of its list's entries as fit. */
function fitted({ desc, value }: Detail, room: number): Detail {
  const list = LISTS.get(desc);
  const entries = list === undefined ? [] : (value[list] as unknown[]);
  if (list === undefined || sizeOf(desc, value) <= room) return { desc, value };
  let [fits, tooMany] = [0, entries.length];
  while (tooMany - fits > 1) {
    const half = Math.floor((fits + tooMany) / 2);
    if (sizeOf(desc, { ...value, [list]: entries.slice(0, half) }) <= room) fits = half;
    else tooMany = half;
  }
  return { desc, value: { ...value, [list]: entries.slice(0, fits), omitted: entries.length - fits } };
}

function sizeOf(desc: DescMessage, value: Record<string, unknown>): number {
  return toBinary(desc, create(desc, value as MessageInitShape<DescMessage>)).byteLength;
}

/** Errors that Connect itself raises before or around a handler. */
const CONNECT_REASONS: Partial<Record<Code, string>> = {
  [Code.InvalidArgument]: "REQUEST_INVALID",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.ResourceExhausted]: "LIMIT_EXCEEDED",
  [Code.Canceled]: "CANCELLED",
};

/** Every reason that a call can be refused for. */
export const REASONS: readonly string[] = [...new Set([...Object.keys(CODES), ...Object.values(CONNECT_REASONS)])];

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
  if (error instanceof NothingAvailableError) {
    return [
      detail(NothingAvailableSchema, {
        blocked: error.blocked.map(blockedToProto),
        waiting: error.waiting.map(({ slug, heldFor, waitsFor }) => ({
          slug,
          heldFor: [...heldFor],
          waitsFor: waitsFor ?? "",
        })),
        unmet: error.unmet,
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
  if (error instanceof SupersessionCycleError) {
    return [detail(SupersessionCycleSchema, { decisionId: error.decisionId, inForceId: error.inForceId })];
  }
  if (error instanceof EtagMismatchError) return [detail(EtagMismatchSchema, { currentEtag: error.currentEtag })];
  if (error instanceof EventCursorExpiredError) {
    return [detail(EventCursorExpiredSchema, { oldestSequence: error.oldest })];
  }
  if (error instanceof ServerDrainingError || error instanceof WatcherTooSlowError) {
    return [detail(StreamResumeSchema, { after: Object.fromEntries(error.position) })];
  }
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
