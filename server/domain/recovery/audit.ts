import type { ClaimRecord } from "../claims/claim-record.ts";
import type { ListedClaim } from "../claims/claim-store.ts";
import type { Project } from "../projects/project.ts";
import type { Session } from "../sessions/session.ts";
import type { DeviationKind } from "./deviation.ts";
import { expireSession } from "./expire-session.ts";
import type { ReconcileDeps } from "./reconcile.ts";
import { settleClaim } from "./settle-claim.ts";

/** What an audit needs. */
export interface AuditDeps extends ReconcileDeps {
  /** Told of what the protocol says cannot happen. */
  readonly alarm: (what: string, data: Record<string, unknown>) => void;
}

/**
 * Compares all that both stores say of the projects at work, beyond the work lists that every tick goes through. A claim
 * without its record is freed; an active feature without its claim leads to recovery. Any server may run it at any time.
 *
 * @param onFailure is told of each project whose comparison failed
 */
export async function audit(deps: AuditDeps, onFailure: (project: Project, error: unknown) => void): Promise<void> {
  for (const project of await deps.database.read.projects.listAtWork()) {
    await auditProject(deps, project).catch((error) => onFailure(project, error));
  }
}

/**
 * The stores are read one after the other while calls go on, so what differs is only suspected: each suspect is looked
 * up again in Postgres, which changes before the claim store does.
 */
async function auditProject(deps: AuditDeps, before: Project): Promise<void> {
  const { sessions, claims } = deps.database.read;
  const open = await sessions.listAllOpen(before.id);
  const held = await claims.listHeld(before.id);
  const { outcome: listed } = await deps.claims.run(before, (store, scope) => store.list(scope));
  const { outcome: leased, epoch } = await deps.claims.run(before, (store, scope) => store.listLeases(scope));
  const project = { ...before, epoch };

  const recorded = new Set(held.map((record) => record.id));
  for (const claim of listed.claims) {
    if (!recorded.has(claim.claimId)) await auditClaim(deps, project, claim);
  }
  const standing = listed.claims.filter((claim) => claim.state !== "draining");
  const tokens = new Map(standing.map((claim) => [claim.claimId, claim.fencingToken]));
  for (const record of held) {
    if (tokens.get(record.id) === record.fencingToken) continue;
    // A rebuild gives back whatever else is missing, too.
    if (await auditRecord(deps, project, record)) return;
  }
  const leases = new Set(leased.leases.map((lease) => lease.sessionId));
  for (const session of open) {
    if (!leases.has(session.id)) await auditSession(deps, project, session);
  }
}

/** A claim of the claim store whose record was not held when the audit began. */
async function auditClaim(deps: AuditDeps, project: Project, claim: ListedClaim): Promise<void> {
  // Draining ones end by themselves, provisional ones are settled once they are overdue.
  if (claim.state !== "held") return;
  const state = (await deps.database.read.claims.get(claim.claimId))?.state;
  // Committed meanwhile, or just ended: then it is on a work list.
  if (state === "held" || state === "ending" || state === "draining") return;
  // Or it was freed since the list was read.
  const { outcome } = await deps.claims.run(project, (store, scope) => store.list(scope, claim.sessionId));
  if (!outcome.claims.some((other) => other.claimId === claim.claimId)) return;
  report(deps, "claim-without-record", claim.acquireTime, { project: project.id, claimId: claim.claimId });
  await settleClaim(deps, project, claim.claimId);
}

/** A held record without its claim; answers whether the project was rebuilt. */
async function auditRecord(deps: AuditDeps, project: Project, record: ClaimRecord): Promise<boolean> {
  if ((await deps.database.read.claims.get(record.id))?.state !== "held") return false;
  // Under another epoch it may have been committed after that one's rebuild had begun; the next audit looks again.
  const current = await deps.database.read.projects.getById(project.id);
  if (current?.epoch !== project.epoch) return false;
  const data = { project: project.id, claimId: record.id };
  report(deps, "record-without-claim", record.acquireTime, data);
  deps.alarm("an active feature has lost its claim", data);
  return deps.claims.rebuild(project.id, project.epoch, "always");
}

/**
 * An open session without a lease, which nobody else would ever end: it took longer to open than its lease, and then its
 * server died.
 */
async function auditSession(deps: AuditDeps, project: Project, { id, openTime }: Session): Promise<void> {
  if ((await deps.database.read.sessions.get(project.id, id))?.state !== "open") return;
  const data = { project: project.id, session: id };
  report(deps, "session-without-lease", openTime, data);
  await expireSession(deps, project, id);
}

function report(
  { clock, deviation }: AuditDeps,
  kind: DeviationKind,
  since: Date,
  data: Readonly<Record<string, unknown>>,
): void {
  deviation(kind, Math.max(0, clock.now().getTime() - since.getTime()), data);
}
