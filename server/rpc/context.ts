import { type ConnectError, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Call } from "../current-call.ts";
import type { VerifiedKey } from "../domain/auth/key-verifier.ts";
import type { Caller } from "../domain/caller.ts";
import type { RequestKey } from "../domain/database.ts";
import { CredentialsInvalidError } from "../domain/errors.ts";

/** Who calls; set by the authentication interceptor for every method but Register. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/** The request key of a call without a caller (Register). */
export const anonymousRequestKey = createContextKey<RequestKey | undefined>(undefined, { description: "request key" });

/** A call that came in by HTTP, for whoever reports it. */
export interface BegunCall {
  readonly call: Call;
  /** The interceptors have it; what never reaches them is reported by the HTTP handler. */
  isReported: boolean;
  /** Reports that it was refused before that, unless it was reported already. */
  refused(error: ConnectError): void;
}

/** The call; undefined where none came by HTTP. */
export const callKey = createContextKey<BegunCall | undefined>(undefined, { description: "call" });

/** The caller's key, once it is known to be good. */
export const verifiedKey = createContextKey<VerifiedKey | undefined>(undefined, { description: "verified key" });

/** The address that the call came from, for the log. */
export const peerKey = createContextKey<string>("", { description: "peer" });

/** Ends the connection, or the stream on it, without a word. */
export const cutKey = createContextKey<() => void>(() => {}, { description: "cut" });

/** Who makes this call. */
export function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (caller === undefined) throw new CredentialsInvalidError();
  return caller;
}
