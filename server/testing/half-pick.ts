import { randomUUID } from "node:crypto";
import type { Caller } from "../domain/caller.ts";
import { compileTouches } from "../domain/claims/compile-touches.ts";
import { commitPick, type GrantedPick, type PickRecord } from "../domain/features/commit-pick.ts";
import type { ClaimId, EngineerId, ProjectId, SessionId, Slug } from "../domain/ids.ts";
import type { TestNexus } from "./start-nexus.ts";
import type { Workplace } from "./workplace.ts";

/** P1 of a pick, as a server does it that dies before P2. */
export async function grantPick(
  nexus: TestNexus,
  { projectId: id }: Workplace,
  slug: string,
  session: string,
): Promise<GrantedPick> {
  const { deps } = nexus.server;
  const projectId = id as ProjectId;
  const project = await deps.database.read.projects.getById(projectId);
  const feature = await deps.database.read.features.get(projectId, slug as Slug);
  const record = await deps.database.read.sessions.get(projectId, session as SessionId);
  if (project === undefined || feature === undefined || record === undefined) throw new Error("nothing to pick");
  const claimId = randomUUID() as ClaimId;
  const touches = compileTouches(feature.touches, false);
  const { outcome: granted, epoch } = await deps.claims.run(project, (store, scope) =>
    store.acquire(scope, { claimId, featureId: feature.id, sessionId: record.id, ttlMs: 300_000, touches }),
  );
  if (granted.kind !== "granted") throw new Error(`not granted but ${granted.kind}`);
  return { project, epoch, session: record, feature, claimId, touches: feature.touches, replaces: undefined, granted };
}

/** P2 of that pick; under a request id when one is given. */
export function commitGranted(
  { server: { deps } }: TestNexus,
  work: Workplace,
  granted: GrantedPick,
  requestId?: string,
): Promise<PickRecord | undefined> {
  return commitPick(deps, callerIn(work, requestId), granted);
}

/** Ana, as she calls the domain; with a request id when one is given. */
export function callerIn({ ana }: Workplace, requestId?: string): Caller {
  return {
    engineerId: ana.id as EngineerId,
    engineerName: "ana",
    keyId: "",
    scope: "full",
    request: requestId === undefined ? undefined : { caller: ana.id, requestId, bodyHash: new Uint8Array(32) },
  };
}
