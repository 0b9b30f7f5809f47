import { randomUUID } from "node:crypto";
import { create, type DescMessage, type DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, makeAnyClient, type Transport } from "@connectrpc/connect";
import { errorFromCall } from "./error-from-call.ts";
import { type RetryTimer, retryUnavailable } from "./retry.ts";

/** How the calls of one client behave. */
export interface CallSettings {
  /** Names the server in messages. */
  readonly baseUrl: string;
  /** For a unary call with all its attempts, in milliseconds; streams have no bound. */
  readonly timeoutMs: number;
  readonly timer?: RetryTimer;
}

type UnaryCall = (request: object, options?: CallOptions) => Promise<unknown>;
type StreamCall = (request: object, options?: CallOptions) => AsyncIterable<unknown>;
type Calls<Call> = Readonly<Record<string, Call | undefined>>;

/**
 * A Connect client whose calls carry a request id, are repeated where that is safe, end in time, and throw
 * NexusErrors. Streams are not resumed.
 */
export function createServiceClient<Service extends DescService>(
  service: Service,
  transport: Transport,
  settings: CallSettings,
): Client<Service> {
  const calls: unknown = createClient(service, transport);
  const toError = (thrown: unknown) => errorFromCall(thrown, settings.baseUrl);
  const client = makeAnyClient(service, (method) => {
    if (method.methodKind === "unary") {
      const call = (calls as Calls<UnaryCall>)[method.localName];
      if (call === undefined) return null;
      return (request: object, options?: CallOptions) => {
        const identified = withRequestId(method.input, request);
        return retryUnavailable((timeoutMs) => call(identified, { ...options, timeoutMs }), {
          timeoutMs: options?.timeoutMs ?? settings.timeoutMs,
          signal: options?.signal,
          toError,
          ...(settings.timer === undefined ? {} : { timer: settings.timer }),
        });
      };
    }
    const call = (calls as Calls<StreamCall>)[method.localName];
    if (call === undefined) return null;
    return async function* stream(request: object, options?: CallOptions) {
      try {
        yield* call(request, options);
      } catch (thrown) {
        throw toError(thrown);
      }
    };
  });
  return client as Client<Service>;
}

/**
 * The request with a new UUID as its request id, where its message has one and none is given. The caller's object
 * stays as it is: used for a second call, it must not be taken for a repetition of the first.
 */
function withRequestId(input: DescMessage, request: object): object {
  if (!("requestId" in input.field)) return request;
  if ("requestId" in request && typeof request.requestId === "string" && request.requestId !== "") return request;
  const { $typeName: _type, ...fields } = request as { readonly $typeName?: string };
  return create(input, { ...fields, requestId: randomUUID() });
}
