import { ResourceNotFoundError } from "../errors.ts";
import { byNexus } from "../events/event.ts";
import type { AuthDeps } from "./deps.ts";
import type { Engineer } from "./engineer.ts";
import { logKey } from "./log-key.ts";

/**
 * Ends every key of an engineer and makes a new one, for who has lost the only key. The operator's, not the engineers':
 * it asks for no key. Running servers refuse the old keys within a minute.
 *
 * @throws ResourceNotFoundError when nobody has registered with that email
 */
export async function resetKey(
  { database, clock, keys }: Pick<AuthDeps, "database" | "clock" | "keys">,
  email: string,
): Promise<{ engineer: Engineer; apiKey: string; revokedKeys: number }> {
  const engineer = await database.read.engineers.findByEmail(email);
  if (engineer === undefined) throw new ResourceNotFoundError("engineer", email);
  const now = clock.now();
  const plan = {
    engineerId: engineer.id,
    name: "reset by the operator",
    scope: "full",
    createTime: now,
    expireTime: undefined,
  } as const;
  const made = await keys.make(plan, undefined);
  const revoked = await database.transact(async (tx) => {
    const keys = await tx.apiKeys.revokeAll(engineer.id, now);
    await tx.apiKeys.insert(made.key, made.secretHash);
    for (const key of keys) await logKey(tx, byNexus(), "revoked", key, now);
    await logKey(tx, byNexus(), "created", made.key, now);
    return keys;
  });
  return { engineer, apiKey: made.text, revokedKeys: revoked.length };
}
