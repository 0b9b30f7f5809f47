import { fromBinary, type Message, type Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { type ErrorCode, NexusError, type NexusErrorReason, type ServerReason } from "./nexus-error.ts";

const ERROR_DOMAIN = "nexus.v1";
const ERROR_INFO = "google.rpc.ErrorInfo";

/** System errors that mean nobody could be reached or the connection broke, whatever was sent. */
const CONNECTION_ERRORS = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
]);

/**
 * Turns whatever a Connect call threw into a NexusError. `baseUrl` names the server in the message. The types of the
 * details are loaded with the first failure.
 */
export async function errorFromCall(thrown: unknown, baseUrl: string): Promise<NexusError> {
  if (thrown instanceof NexusError) return thrown;
  const { errorDetailTypes: detailTypes } = await import("./error-detail-types.ts");
  const error = ConnectError.from(thrown);
  const code = codeToString(error.code) as ErrorCode;
  const details = decodeDetails(error, detailTypes);
  const info = details.find((detail) => detail.$typeName === ERROR_INFO) as
    | { readonly reason: string; readonly domain: string }
    | undefined;
  if (info?.domain === ERROR_DOMAIN) {
    return new NexusError({
      code,
      reason: info.reason as ServerReason,
      message: error.rawMessage,
      details,
      detailTypes,
      cause: error,
    });
  }
  const { reason, message, code: foundCode = code } = diagnose(error, baseUrl);
  return new NexusError({ code: foundCode, reason, message, details, detailTypes, cause: error });
}

/** What a failure means that no Nexus server explained. */
function diagnose(
  error: ConnectError,
  baseUrl: string,
): { readonly reason: NexusErrorReason; readonly message: string; readonly code?: ErrorCode } {
  const systemCode = connectionErrorIn(error);
  if (systemCode !== undefined) {
    const message = `the server at ${baseUrl} can't be reached (${systemCode})`;
    return { reason: "SERVER_UNREACHABLE", message, code: "unavailable" };
  }
  switch (error.code) {
    case Code.Unavailable:
      return {
        reason: "SERVER_UNREACHABLE",
        message: `the server at ${baseUrl} can't be reached: ${error.rawMessage}`,
      };
    case Code.DeadlineExceeded:
      return { reason: "DEADLINE_EXCEEDED", message: `the server at ${baseUrl} did not answer in time` };
    case Code.Canceled:
      return { reason: "CANCELLED", message: "the call was cancelled" };
    default:
      return {
        reason: "ANSWER_UNRECOGNISED",
        message: `what answers at ${baseUrl} is not a Nexus server that this client understands (${error.rawMessage})`,
      };
  }
}

function decodeDetails(error: ConnectError, detailTypes: Registry): Message[] {
  const decoded: Message[] = [];
  for (const detail of error.details) {
    if (!("type" in detail)) continue;
    const type = detailTypes.getMessage(detail.type);
    if (type === undefined) continue;
    try {
      decoded.push(fromBinary(type, detail.value));
    } catch {
      // A detail that can't be read must not hide the refusal that it came with.
    }
  }
  return decoded;
}

function connectionErrorIn(error: Error): string | undefined {
  const seen = new Set<unknown>();
  for (let cause: unknown = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    if ("code" in cause && typeof cause.code === "string" && CONNECTION_ERRORS.has(cause.code)) return cause.code;
  }
  return undefined;
}
