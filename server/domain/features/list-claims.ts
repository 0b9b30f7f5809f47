import type { Caller } from "../caller.ts";
import type { ListedClaim } from "../claims/claim-store.ts";
import type { FeatureId, ProjectId, SessionId, Slug } from "../ids.ts";
import { type Page, type PageRequest, pageOf } from "../page.ts";
import { requireMember } from "../projects/require-member.ts";
import { heartbeatSession, slugsOf } from "../sessions/use-session.ts";
import type { FeatureDeps } from "./deps.ts";

/** Live claims with the names of their features. */
export interface NamedClaims {
  readonly claims: readonly ListedClaim[];
  readonly slugs: ReadonlyMap<FeatureId, Slug>;
}

/** The live claims of a project, the oldest first; a page goes on after a token. */
export async function listClaims(
  deps: FeatureDeps,
  caller: Caller,
  projectId: ProjectId,
  { size, after }: PageRequest<bigint>,
): Promise<NamedClaims & Pick<Page<ListedClaim, bigint>, "next">> {
  const { project } = await requireMember(deps.database.read, projectId, caller.engineerId);
  const { outcome } = await deps.claims.run(project, (store, scope) => store.list(scope));
  const rest = oldestFirst(outcome.claims).filter((claim) => after === undefined || claim.fencingToken > after);
  const page = pageOf(rest, size, (claim) => claim.fencingToken);
  return { claims: page.items, slugs: await slugsOf(deps.database.read, page.items), next: page.next };
}

/**
 * What a session of the caller's holds; renews its lease.
 *
 * @throws SessionExpiredError when it has ended
 */
export async function listClaimsOfSession(
  deps: FeatureDeps,
  caller: Caller,
  session: { readonly projectId: ProjectId; readonly sessionId: SessionId },
): Promise<NamedClaims> {
  const { claims, slugs } = await heartbeatSession(deps, caller, session);
  return { claims: oldestFirst(claims), slugs };
}

function oldestFirst(claims: readonly ListedClaim[]): ListedClaim[] {
  return [...claims].sort((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1));
}
