import type { SessionId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import { orLater } from "../recovery/or-later.ts";

/**
 * Renews a lease beside a call that names the session; the call itself does not depend on it. A lapsed lease stays
 * lapsed, and where the claim store is away nothing is renewed.
 */
export async function renewSession(
  deps: { readonly claims: ClaimAccess },
  project: Project,
  sessionId: SessionId,
): Promise<void> {
  await orLater(async () => {
    await deps.claims.run(project, (store, scope) => store.heartbeat(scope, sessionId, project.settings.sessionTtlMs));
  });
}
