import type { Caller } from "../caller.ts";
import { CredentialsInvalidError } from "../errors.ts";
import type { ApiKey } from "./api-key.ts";
import type { AuthDeps } from "./deps.ts";
import type { Engineer } from "./engineer.ts";

/**
 * Whose key the call was made with.
 *
 * @throws CredentialsInvalidError when the key was revoked since it was verified
 */
export async function getCurrentEngineer(
  { database, clock }: Pick<AuthDeps, "database" | "clock">,
  caller: Caller,
): Promise<{ engineer: Engineer; apiKey: ApiKey }> {
  const engineer = await database.read.engineers.get(caller.engineerId);
  const live = await database.read.apiKeys.findLive(caller.keyId, clock.now());
  if (engineer === undefined || live === undefined) throw new CredentialsInvalidError();
  return { engineer, apiKey: live.key };
}
