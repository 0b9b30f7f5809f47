import type { Caller } from "../caller.ts";
import { LimitExceededError } from "../errors.ts";
import { by } from "../events/event.ts";
import type { ApiKey, ApiKeyScope } from "./api-key.ts";
import type { AuthDeps } from "./deps.ts";
import { logKey } from "./log-key.ts";

/** Keys of one engineer that are not revoked. */
export const MAX_API_KEYS = 50;

/** What the new key is for. */
export interface CreateApiKeyRequest {
  readonly name: string;
  readonly scope: ApiKeyScope;
  /** For good when undefined. */
  readonly lifetimeMs: number | undefined;
}

/**
 * Makes another key for the caller, whose text is answered here and never again.
 *
 * @throws LimitExceededError when the caller has 50
 * @throws RateLimitedError when too many are made at a time
 */
export async function createApiKey(
  { database, clock, keys }: Pick<AuthDeps, "database" | "clock" | "keys">,
  caller: Caller,
  { name, scope, lifetimeMs }: CreateApiKeyRequest,
): Promise<{ key: ApiKey; apiKey: string }> {
  const recorded = await database.recorded<ApiKey>(caller.request);
  if (recorded !== undefined && caller.request !== undefined) {
    return { key: recorded, apiKey: keys.textOf(recorded.id, caller.request) };
  }
  const createTime = clock.now();
  const expireTime = lifetimeMs === undefined ? undefined : new Date(createTime.getTime() + lifetimeMs);
  const plan = { engineerId: caller.engineerId, name, scope, createTime, expireTime };
  const made = await keys.make(plan, caller.request);
  const key = await database.mutate(caller.request, async (tx) => {
    if ((await tx.apiKeys.count(caller.engineerId)) >= MAX_API_KEYS) {
      throw new LimitExceededError("API keys of an engineer", MAX_API_KEYS, "revoke one that is not used any more");
    }
    await tx.apiKeys.insert(made.key, made.secretHash);
    await logKey(tx, by(caller), "created", made.key, createTime);
    return made.key;
  });
  // A simultaneous repetition may have been first; then the answer is its key.
  return { key, apiKey: caller.request === undefined ? made.text : keys.textOf(key.id, caller.request) };
}
