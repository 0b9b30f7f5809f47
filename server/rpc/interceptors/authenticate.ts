import { createHash } from "node:crypto";
import { type DescMessage, type DescMethod, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { ContextValues, HandlerContext, Interceptor } from "@connectrpc/connect";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import type { KeyVerifier } from "../../domain/auth/key-verifier.ts";
import type { RequestKey } from "../../domain/database.ts";
import { CredentialsInvalidError, PermissionDeniedError } from "../../domain/errors.ts";
import { FieldParser } from "../../domain/field-parser.ts";
import { anonymousRequestKey, callerKey, callKey, verifiedKey } from "../context.ts";
import { errorToWire } from "../errors.ts";

/** A call as it comes in, whatever the protocol. */
export interface IncomingCall {
  readonly method: DescMethod;
  readonly header: Headers;
  readonly contextValues: ContextValues;
  /** The message of a call that carries one; undefined where the caller streams. */
  readonly message: MessageShape<DescMessage> | undefined;
}

/** Finds out who calls, for the handlers and the log. Register, health and reflection need no key. */
export function authenticate(verifier: KeyVerifier): Interceptor {
  return (next) => async (call) => {
    const { method, header, contextValues } = call;
    await authenticateCall(verifier, {
      method,
      header,
      contextValues,
      message: call.stream ? undefined : call.message,
    });
    return next(call);
  };
}

/**
 * The same for a call that does not come through Connect's interceptors.
 *
 * @throws CredentialsInvalidError without a valid key
 * @throws PermissionDeniedError when the key may only read and the method does more
 * @throws RequestInvalidError when the request id is not a UUID
 */
export async function authenticateCall(verifier: KeyVerifier, call: IncomingCall): Promise<void> {
  const { method, header, contextValues } = call;
  // Health and reflection: probes and tools have no key.
  if (method.parent.typeName.startsWith("grpc.")) return;
  if (method === AuthService.method.register) {
    contextValues.set(anonymousRequestKey, requestKeyOf(call, registrant(call.message)));
    return;
  }
  const verified = contextValues.get(verifiedKey) ?? (await verifier.verify(bearerOf(header)));
  contextValues.set(verifiedKey, verified);
  const { key, engineerName } = verified;
  if (key.scope === "read" && method.idempotency !== IdempotencyLevel.NO_SIDE_EFFECTS) {
    throw new PermissionDeniedError("full", `this key may only read, and ${method.name} does more`);
  }
  const { engineerId } = key;
  const request = requestKeyOf(call, engineerId);
  contextValues.set(callerKey, { engineerId, engineerName, keyId: key.id, scope: key.scope, request });
}

/** Refuses callers without a valid key before their message is read. */
export function requireKey(verifier: KeyVerifier): (context: HandlerContext) => Promise<void> {
  return async ({ method, requestHeader, values }) => {
    if (method.parent.typeName.startsWith("grpc.") || method === AuthService.method.register) return;
    try {
      values.set(verifiedKey, await verifier.verify(bearerOf(requestHeader)));
    } catch (error) {
      // No interceptor has seen the call yet.
      const began = values.get(callKey);
      const refusal = errorToWire(error, began?.call.id ?? "");
      began?.refused(refusal);
      throw refusal;
    }
  };
}

function bearerOf(header: Headers): string {
  const [, key] = /^bearer +(\S+) *$/i.exec(header.get("authorization") ?? "") ?? [];
  if (key === undefined) {
    throw new CredentialsInvalidError(
      "no API key came with the call; send 'authorization: Bearer <key>', or log in with 'nexus login'",
    );
  }
  return key;
}

/** Stands for the caller who has no id yet. */
function registrant(message: MessageShape<DescMessage> | undefined): string {
  return `register:${textField(message, "email").trim().toLowerCase()}`;
}

/** What makes a repetition of this call recognisable; undefined where it carries no request id. */
function requestKeyOf({ method, message }: IncomingCall, caller: string): RequestKey | undefined {
  const given = textField(message, "requestId");
  if (message === undefined || given === "") return undefined;
  const fields = new FieldParser();
  const requestId = fields.id("request_id", given);
  fields.done();
  const bodyHash = createHash("sha256")
    .update(`${method.parent.typeName}/${method.name}\0`)
    .update(toBinary(method.input, { ...message, requestId: "" } as MessageShape<DescMessage>))
    .digest();
  return { caller, requestId, bodyHash };
}

function textField(message: MessageShape<DescMessage> | undefined, field: string): string {
  const value: unknown = message === undefined ? undefined : Reflect.get(message, field);
  return typeof value === "string" ? value : "";
}
