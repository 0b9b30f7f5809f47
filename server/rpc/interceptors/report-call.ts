import { randomUUID } from "node:crypto";
import { Code, type ConnectError, type Interceptor } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { callerKey, peerKey } from "../context.ts";
import { errorToWire } from "../errors.ts";

/** What is known of a call when it has ended. */
export interface CallReport {
  readonly callId: string;
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
  /** What the request names: project, feature, session, request id. */
  readonly names: Readonly<Record<string, string>>;
  /** What lies behind a defect, or a store that is away. */
  readonly cause: unknown;
}

/** Fields of requests that say what a call was about; none of them is a secret. */
const NAMES = ["projectId", "slug", "sessionId", "requestId"] as const;

/**
 * The outermost interceptor: turns whatever was thrown into its wire form, and reports each call once.
 *
 * @param report must not throw
 */
export function reportCall(report: (call: CallReport) => void): Interceptor {
  return (next) => async (request) => {
    const callId = randomUUID();
    const started = performance.now();
    const finish = (error: ConnectError | undefined) =>
      report({
        callId,
        method: `${request.service.typeName.split(".").at(-1)}/${request.method.name}`,
        code: error === undefined ? "ok" : codeName(error.code),
        reason: error?.findDetails(ErrorInfoSchema)[0]?.reason,
        durationMs: performance.now() - started,
        engineerId: request.contextValues.get(callerKey)?.engineerId,
        peer: request.contextValues.get(peerKey),
        names: request.stream ? {} : namesOf(request.message),
        cause: error?.code === Code.Internal || error?.code === Code.Unavailable ? error.cause : undefined,
      });
    try {
      const response = await next(request);
      response.header.set("nexus-call-id", callId);
      finish(undefined);
      return response;
    } catch (error) {
      const wire = errorToWire(error, callId);
      wire.metadata.set("nexus-call-id", callId);
      finish(wire);
      throw wire;
    }
  };
}

function namesOf(message: object): Record<string, string> {
  const fields = message as Partial<Record<string, unknown>>;
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = fields[name];
      return typeof value === "string" && value !== "" ? [[name, value.slice(0, 64)]] : [];
    }),
  );
}

function codeName(code: Code): string {
  return Code[code].replace(/[A-Z]/g, (letter, index) => (index === 0 ? "" : "_") + letter.toLowerCase());
}
