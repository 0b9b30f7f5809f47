import type { Caller } from "../caller.ts";
import { ResourceNotFoundError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { AuthDeps } from "./deps.ts";
import { logKey } from "./log-key.ts";

/**
 * Ends one of the caller's keys: on this server at once, on the others when they ask again, within a minute. Ending it
 * again is no change.
 *
 * @throws ResourceNotFoundError when the caller has no such key
 */
export async function revokeApiKey(
  { database, clock, verifier }: Pick<AuthDeps, "database" | "clock" | "verifier">,
  caller: Caller,
  keyId: string,
): Promise<void> {
  await database.mutate(caller.request, async (tx) => {
    const time = clock.now();
    const revoked = await tx.apiKeys.revoke(caller.engineerId, keyId, time);
    if (revoked === undefined) throw new ResourceNotFoundError("API key", keyId);
    if (revoked.now) await logKey(tx, by(caller), "revoked", revoked.key, time);
  });
  verifier.forget(keyId);
}
