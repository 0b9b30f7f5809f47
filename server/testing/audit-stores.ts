import type { ClaimStore, ListedClaim } from "../domain/claims/claim-store.ts";
import type { Database } from "../domain/database.ts";
import type { Feature } from "../domain/features/feature.ts";
import type { FeatureListKey } from "../domain/features/feature-store.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { Page } from "../domain/page.ts";
import { oracleOverlap, oracleSegments } from "./path-oracle.ts";

/** Something that one store says and the other does not, or that neither may say. */
export interface Deviation {
  /** What and where: the same while the same thing is wrong, so that its age can be told. */
  readonly key: string;
  readonly description: string;
}

const PAGE_SIZE = 500;
const MAX_ROWS = 100_000;

/**
 * Compares what PostgreSQL and the claim store say about one project, through the ports alone: invariants 1, 9, 10 and
 * 11 of CLAIMS section 6. The tests' own judge; it shares nothing with the server's audit, and overlap is decided by the
 * oracle, so touches have to be of its world (path-oracle.ts).
 *
 * The stores are read one after the other: while calls are under way a deviation means something only when it is still
 * there later on. The protocol allows it 15 s.
 */
export async function auditStores(
  { database, claimStore }: { readonly database: Database; readonly claimStore: ClaimStore },
  projectId: ProjectId,
): Promise<Deviation[]> {
  const deviations: Deviation[] = [];
  const report = (key: string, description: string) => deviations.push({ key, description });
  const { projects, sessions, claims, features } = database.read;
  const project = await projects.getById(projectId);
  if (project === undefined) throw new Error(`there is no project ${projectId}`);
  const scope = { projectId, epoch: project.epoch };

  const all = await everything((after) =>
    features.list(projectId, { statuses: [], lanes: [], unmerged: false }, { size: PAGE_SIZE, after }),
  );
  const open = await sessions.listAllOpen(projectId);
  const records = await claims.listHeld(projectId);
  const ending = await claims.listEnding(projectId, MAX_ROWS);
  const shrunk = await claims.listShrunk(projectId, MAX_ROWS);
  const [listed, leased] = [await claimStore.list(scope), await claimStore.listLeases(scope)];
  if (listed.kind === "recovering" || leased.kind === "recovering") {
    if (open.length + records.length > 0) report("recovering", "the claim store is not at the project's epoch");
    return deviations;
  }

  const openIds = new Set<string>(open.map((session) => session.id));
  const liveLeases = new Set<string>(leased.leases.filter((lease) => !lease.expired).map((lease) => lease.sessionId));
  const featureOf = new Map<string, Feature>(all.map((feature) => [feature.id, feature]));
  const recordOf = new Map(records.map((record) => [record.id, record]));
  const live = new Map(listed.claims.map((claim) => [claim.claimId, claim]));

  // Every feature is exactly one of available, active with a live holder and equal tokens, done, cancelled.
  for (const { id, slug, status, hold } of all) {
    if ((status === "active") !== (hold !== undefined))
      report(`hold ${id}`, `${slug} is ${status}, with a hold: ${hold}`);
    if (hold === undefined) continue;
    if (!openIds.has(hold.sessionId)) report(`holder ${id}`, `${slug} is active under a session that has ended`);
    const record = recordOf.get(hold.claimId);
    if (record === undefined) report(`record ${id}`, `${slug} is active under ${hold.claimId}, which is not held`);
    else if (record.fencingToken !== hold.fencingToken) {
      report(`token ${id}`, `${slug} has token ${hold.fencingToken}, its claim ${record.fencingToken}`);
    }
  }

  // Every held record belongs to an active feature and stands in the claim store as it is.
  for (const record of records) {
    const { id, featureId, sessionId, fencingToken } = record;
    const hold = featureOf.get(featureId)?.hold;
    if (hold === undefined) report(`orphan ${id}`, `claim ${id} is held, its feature is not active`);
    else if (hold.sessionId !== sessionId)
      report(`orphan ${id}`, `claim ${id} is held for a session that lost the feature`);
    else if (fencingToken < hold.fencingToken) report(`orphan ${id}`, `claim ${id} is older than the feature's pick`);
    const claim = live.get(id);
    if (claim === undefined || claim.state === "draining") {
      report(`missing ${id}`, `claim ${id} is held in PostgreSQL, in the claim store ${claim?.state ?? "unknown"}`);
    } else {
      for (const difference of differences(record, claim)) report(`differs ${id}`, `claim ${id}: ${difference}`);
    }
  }
  for (const id of ending) report(`outbox ${id}`, `claim ${id} has ended, but is not known to be free`);
  for (const { id } of shrunk) report(`outbox ${id}`, `claim ${id} was shrunk, but the claim store may not know it`);

  // No claim without an active feature, unless it drains or is provisional and young.
  for (const claim of live.values()) {
    const { claimId, state } = claim;
    const record = recordOf.get(claimId);
    if (state === "held" && record === undefined) report(`ghost ${claimId}`, `claim ${claimId} is held by nobody`);
    if (claim.overdue) report(`overdue ${claimId}`, `claim ${claimId} is provisional beyond its deadline`);
    if (claim.sessionExpired) report(`lapsed ${claimId}`, `claim ${claimId} is held by a lease that has run out`);
  }

  // Sessions and leases are the same, but for a lease whose session is just being opened.
  for (const { id } of open)
    if (!liveLeases.has(id)) report(`lease ${id}`, `session ${id} is open without a live lease`);
  for (const { sessionId, expired } of leased.leases) {
    if (expired) report(`lease ${sessionId}`, `the lease of ${sessionId} has run out and was not ended`);
  }

  for (const [one, other] of pairs([...live.values()])) {
    const clash = clashOf(one, other);
    if (clash !== undefined) {
      report(
        `overlap ${one.claimId} ${other.claimId}`,
        `claims ${one.claimId} and ${other.claimId} both hold ${clash}`,
      );
    }
  }
  return deviations;
}

/**
 * Audits again and again until nothing deviates.
 *
 * @param step what brings the stores together, such as a turn of a reconciler
 * @returns what still deviates after `boundMs`: nothing, when all is well
 */
export async function deviationsAfter(
  boundMs: number,
  audit: () => Promise<readonly Deviation[]>,
  step: () => Promise<void>,
): Promise<readonly Deviation[]> {
  const end = performance.now() + boundMs;
  for (;;) {
    const deviations = await audit();
    if (deviations.length === 0 || performance.now() > end) return deviations;
    await step();
  }
}

async function everything<Item>(
  page: (after: FeatureListKey | undefined) => Promise<Page<Item, FeatureListKey>>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let after: FeatureListKey | undefined; ; ) {
    const { items: more, next } = await page(after);
    items.push(...more);
    if (next === undefined) return items;
    after = next;
  }
}

type Recorded = Awaited<ReturnType<Database["read"]["claims"]["listHeld"]>>[number];

function differences(record: Recorded, claim: ListedClaim): string[] {
  const found: string[] = [];
  const compare = (what: string, inPostgres: unknown, inStore: unknown) => {
    if (inPostgres !== inStore) found.push(`${what} is ${inPostgres} in PostgreSQL, ${inStore} in the claim store`);
  };
  compare("its token", record.fencingToken, claim.fencingToken);
  compare("its feature", record.featureId, claim.featureId);
  compare("its session", record.sessionId, claim.sessionId);
  compare("its touches", spelled(record.touches), spelled(claim.touches));
  return found;
}

function spelled(touches: ListedClaim["touches"]): string {
  return [...new Set(touches.map(({ path, mode }) => `${mode} ${path}`))].sort().join(", ");
}

/**
 * The touches by which both claims hold a path, though they may not. A feature's own claims may: those of its pick and
 * its extensions, and that of a take-over until it is confirmed; but not beside one that drains.
 */
function clashOf(one: ListedClaim, other: ListedClaim): string | undefined {
  const drains = one.state === "draining" || other.state === "draining";
  const unconfirmed = one.state === "provisional" || other.state === "provisional";
  const together = one.featureId === other.featureId && (one.sessionId === other.sessionId || unconfirmed);
  if (together && !drains) return undefined;
  for (const a of one.touches) {
    for (const b of other.touches) {
      const mayShare = a.mode === "shared" && b.mode === "shared" && one.featureId !== other.featureId;
      if (!mayShare && oracleOverlap(known(a.path), known(b.path))) return `${a.path} and ${b.path}`;
    }
  }
  return undefined;
}

/** An entry that the oracle can judge. */
function known(path: string): string {
  const segments = path.split("/");
  if (segments.length > 3 || segments.some((segment) => !oracleSegments.some((known) => known === segment))) {
    throw new Error(`the path oracle does not know ${path}`);
  }
  return path;
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((one, i) => items.slice(i + 1).map((other): [T, T] => [one, other]));
}
