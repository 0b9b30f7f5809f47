import type { ClaimStore } from "../claims/claim-store.ts";
import type { Database } from "../database.ts";
import { failpoint } from "../failpoint.ts";
import type { ClaimId } from "../ids.ts";
import type { ClaimAccess, ClaimedProject } from "./claim-access.ts";

/**
 * Settles a provisional claim whose fate nobody reported: bars it from being committed and frees it, or, where it was
 * committed, confirms it. One that drains by now is left to drain: it was confirmed, and its holder may still be
 * writing. Safe to repeat, by any server. Answers whether it is held.
 */
export async function settleClaim(
  deps: { readonly database: Database; readonly claims: ClaimAccess },
  project: ClaimedProject,
  claimId: ClaimId,
): Promise<boolean> {
  await failpoint("settle.before-void");
  const state = await deps.database.read.claims.voidUnlessCommitted(project.id, claimId);
  await failpoint("settle.after-void");
  if (state === "draining") return false;
  const committed = state === "held";
  const record = committed ? await deps.database.read.claims.get(claimId) : undefined;
  await deps.claims.run<Awaited<ReturnType<ClaimStore["confirm"]>> | Awaited<ReturnType<ClaimStore["release"]>>>(
    project,
    (store, scope) => (committed ? store.confirm(scope, claimId, record?.replaces) : store.release(scope, [claimId])),
  );
  await failpoint("settle.after-free");
  return committed;
}
