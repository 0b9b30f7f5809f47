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
        throw await toError(thrown);
      }
    };
  });
  return client as Client<Service>;
}

/** The methods of a service that answer a stream; the compiler finds the one that is missing. */
export type Streams<Service extends DescService> = {
  readonly [Name in keyof Service["method"] as Service["method"][Name]["methodKind"] extends "unary"
    ? never
    : Name]: true;
};

/**
 * The same for a service that is loaded with the first call: decoding the descriptors of all services takes longer than
 * most calls. Which methods answer a stream has to be known before.
 */
export function createLazyServiceClient<Service extends DescService>(
  load: () => Promise<Service>,
  streams: Streams<Service>,
  transport: Transport,
  settings: CallSettings,
): Client<Service> {
  let loading: Promise<object> | undefined;
  const method = async <Call>(name: string): Promise<Call> => {
    loading ??= load().then((service) => createServiceClient(service, transport, settings));
    const call = ((await loading) as Calls<Call>)[name];
    if (call === undefined) throw new TypeError(`the service has no method ${name}`);
    return call;
  };
  const callOf = (_target: object, name: string | symbol) => {
    // An object with `then` would be taken for a promise.
    if (typeof name === "symbol" || name === "then") return undefined;
    if (!Object.hasOwn(streams, name)) {
      return async (...given: Parameters<UnaryCall>) => (await method<UnaryCall>(name))(...given);
    }
    return async function* stream(...given: Parameters<StreamCall>) {
      yield* (await method<StreamCall>(name))(...given);
    };
  };
  const client: unknown = new Proxy({}, { get: callOf });
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
  return create(input, { ...fields, requestId: process.getBuiltinModule("node:crypto").randomUUID() });
}
