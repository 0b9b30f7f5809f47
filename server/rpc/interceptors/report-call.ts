import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type Interceptor } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { Call } from "../../current-call.ts";
import { callerKey, callKey, peerKey, verifiedKey } from "../context.ts";
import { errorToWire } from "../errors.ts";

/** What is known of a call when it has ended. */
export interface CallReport {
  readonly call: Call;
  /** `FeatureService/PickFeature`. */
  readonly method: string;
  /** `ok`, or a Connect code such as `failed_precondition`. */
  readonly code: string;
  /** The reason of a refusal. */
  readonly reason: string | undefined;
  readonly durationMs: number;
  readonly engineerId: string | undefined;
  /** Where the call came from. */
  readonly peer: string;
  /** Whether it was a stream, which lasts for as long as its caller likes. */
  readonly stream: boolean;
  /** What the request names: project, feature, session, request id. */
  readonly names: Readonly<Record<string, string>>;
  /** What lies behind a defect, or a store that is away. */
  readonly cause: unknown;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Fields of requests that say what a call was about, as they look when they are what they should be. */
const NAMES = { projectId: UUID, slug: /^[a-z0-9][a-z0-9-]{0,62}$/, sessionId: UUID, requestId: UUID } as const;

/**
 * The outermost interceptor: turns whatever was thrown into its wire form, and reports each call once.
 *
 * @param report must not throw
 * @param boundMs the longest that a call which is no stream may take, whatever its caller's deadline; what it began may
 *   go on behind it, bounded by the stores
 */
export function reportCall(report: (call: CallReport) => void, boundMs = 30_000): Interceptor {
  return (next) => async (request) => {
    const { contextValues, method } = request;
    const began = contextValues.get(callKey);
    const call = began?.call ?? new Call();
    if (began !== undefined) began.isReported = true;
    const finish = (error: ConnectError | undefined) => {
      // With the request id of a registration anybody can have its key again for a day: it is no thing for a log.
      const named = !request.stream && contextValues.get(callerKey) !== undefined;
      report(reportOf(call, method, contextValues, error, named ? namesOf(request.message) : {}));
    };
    const fail = (error: unknown) => {
      const wire = errorToWire(error, call.id, isGrpc(request.header) ? GRPC_DETAIL_BYTES : undefined);
      finish(wire);
      return wire;
    };
    /** A stream is reported when it ends; when its caller has gone away, as cancelled. */
    async function* untilEnd<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
      let ended = false;
      try {
        yield* messages;
        ended = true;
        finish(undefined);
      } catch (error) {
        ended = true;
        throw fail(error);
      } finally {
        if (!ended) finish(new ConnectError("the caller ended the stream", Code.Canceled));
      }
    }
    try {
      const response = await withinBound(next(request), request.stream ? undefined : boundMs);
      if (response.stream) return { ...response, message: untilEnd(response.message) };
      finish(undefined);
      return response;
    } catch (error) {
      throw fail(error);
    }
  };
}

/** The report of a call that has ended now. */
export function reportOf(
  call: Call,
  method: DescMethod,
  contextValues: ContextValues,
  error: ConnectError | undefined,
  names: Readonly<Record<string, string>> = {},
): CallReport {
  return {
    call,
    method: `${method.parent.typeName.split(".").at(-1)}/${method.name}`,
    code: error === undefined ? "ok" : codeName(error.code),
    reason: error?.findDetails(ErrorInfoSchema)[0]?.reason,
    durationMs: performance.now() - call.startedMs,
    engineerId: contextValues.get(verifiedKey)?.key.engineerId,
    peer: contextValues.get(peerKey),
    stream: method.methodKind !== "unary",
    names,
    cause: error !== undefined && isFailure(error) ? error.cause : undefined,
  };
}

/** A defect, or a store that is away; that a stream ends since the server does is neither. */
function isFailure(error: ConnectError): boolean {
  const draining = error.findDetails(ErrorInfoSchema)[0]?.reason === "SERVER_DRAINING";
  return (error.code === Code.Internal || error.code === Code.Unavailable) && !draining;
}

/** gRPC carries errors in headers, which C-core clients bound to 8 KiB by default; other protocols have bodies. */
const GRPC_DETAIL_BYTES = 3_072;

function isGrpc(header: Headers): boolean {
  const type = header.get("content-type") ?? "";
  return type.startsWith("application/grpc") && !type.startsWith("application/grpc-web");
}

async function withinBound<T>(work: Promise<T>, boundMs: number | undefined): Promise<T> {
  if (boundMs === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectError(`not done within ${boundMs} ms; the outcome is unknown`, Code.DeadlineExceeded));
    }, boundMs);
  });
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}

/** Only what looks like a name: anything may stand in these fields, also what should not get into a log. */
function namesOf(message: object): Record<string, string> {
  const fields = message as Partial<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(NAMES).flatMap(([name, form]) => {
      const value = fields[name];
      return typeof value === "string" && form.test(value) ? [[name, value]] : [];
    }),
  );
}

function codeName(code: Code): string {
  return Code[code].replace(/[A-Z]/g, (letter, index) => (index === 0 ? "" : "_") + letter.toLowerCase());
}
