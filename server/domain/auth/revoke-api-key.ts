import type { Caller } from "../caller.ts";
import { ResourceNotFoundError } from "../errors.ts";
import type { AuthDeps } from "./deps.ts";

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
    const known = await tx.apiKeys.revoke(caller.engineerId, keyId, clock.now());
    if (!known) throw new ResourceNotFoundError("API key", keyId);
  });
  verifier.forget(keyId);
}
