import type { RequestKey } from "../database.ts";
import { RegistrationClosedError, ResourceAlreadyExistsError } from "../errors.ts";
import type { EngineerId } from "../ids.ts";
import type { AuthDeps } from "./deps.ts";
import type { Engineer } from "./engineer.ts";

/** Who registers. */
export interface RegisterRequest {
  readonly name: string;
  readonly email: string;
  /** What the first key is for; may be empty. */
  readonly keyName: string;
}

const TAKEN_HINT =
  "log in with its key ('nexus login --token -'), or have the operator run 'nexus admin reset-key <email>' on the server";

/**
 * Registers an engineer with a first key, whose text is answered here and never again.
 *
 * @throws RegistrationClosedError unless registration is open or the server is empty
 * @throws ResourceAlreadyExistsError when the email is registered
 * @throws RateLimitedError when too many register at a time
 */
export async function register(
  { database, clock, newId, keys, registration }: Omit<AuthDeps, "verifier">,
  request: RequestKey | undefined,
  { name, email, keyName }: RegisterRequest,
): Promise<{ engineer: Engineer; apiKey: string }> {
  const recorded = await database.recorded<{ engineer: Engineer; keyId: string }>(request);
  if (recorded !== undefined && request !== undefined) {
    return { engineer: recorded.engineer, apiKey: keys.textOf(recorded.keyId, request) };
  }
  // Looked at again inside the transaction; here it spares the server a hash for each refused attempt.
  if (registration !== "open" && (await database.read.engineers.anyRegistered())) throw new RegistrationClosedError();
  if (await database.read.engineers.findByEmail(email))
    throw new ResourceAlreadyExistsError("engineer", email, TAKEN_HINT);

  const engineer = { id: newId() as EngineerId, name, email, createTime: clock.now() };
  const plan = {
    engineerId: engineer.id,
    name: keyName,
    scope: "full",
    createTime: engineer.createTime,
    expireTime: undefined,
  } as const;
  const made = await keys.make(plan, request);
  const answer = await database.mutate(request, async (tx) => {
    if (registration !== "open" && (await tx.engineers.anyRegistered())) throw new RegistrationClosedError();
    if (!(await tx.engineers.insert(engineer))) throw new ResourceAlreadyExistsError("engineer", email, TAKEN_HINT);
    await tx.apiKeys.insert(made.key, made.secretHash);
    return { engineer, keyId: made.key.id };
  });
  // A simultaneous repetition may have been first; then the answer is its key.
  const apiKey = request === undefined ? made.text : keys.textOf(answer.keyId, request);
  return { engineer: answer.engineer, apiKey };
}
