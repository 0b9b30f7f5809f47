import { conflictsWith, HeldTouches } from "../claims/held-touches.ts";
import { TouchIndex } from "../claims/touch-index.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import type { EngineerId, FeatureId, ProjectId, SessionId } from "../ids.ts";
import type { Project } from "../projects/project.ts";
import type { ClaimAccess } from "../recovery/claim-access.ts";
import { claimedTouches } from "./blockers.ts";
import { type Contender, choices, choose, hotFirst, type Situation } from "./choose.ts";

/** Candidates that a choice looks at, from the first in the order of work. */
const MAX_CONTENDERS = 2_000;
/** How long work that broke off is left to whoever it broke off for. */
const LEFT_ALONE_MS = 30 * 60_000;

/** What choices rest on, as it was at one moment. */
export interface Snapshot {
  readonly project: Project;
  /** When its reading began, in the count of this process. */
  readonly begun: number;
  /** In the order of work. */
  readonly contenders: readonly Contender[];
  readonly held: HeldTouches;
  /** Nothing that it touches is held; handed out to others it may be all the same. */
  isFree(contender: Contender): boolean;
  /** Whose sessions recently broke off work on which features. */
  readonly brokenOff: ReadonlyMap<FeatureId, EngineerId | undefined>;
}

/** A feature that one call is just picking, so that no other call of this server tries the same, or what overlaps it. */
export interface Handout {
  readonly feature: Contender;
  readonly passedOver: readonly FeatureId[];
  /** When the pick was granted or refused, in the count of this process. */
  ended: number | undefined;
}

/** A reading that is under way, and the one that is to follow where somebody waits for it. */
interface Reading {
  readonly current: Promise<Snapshot>;
  next?: Promise<Snapshot>;
}

/**
 * Chooses what to work on for the calls of this server. It decides nothing: each chosen feature goes through the
 * protocol of a pick. But fifty calls at once read the stores once or twice instead of fifty times, and get fifty
 * different features, instead of all trying the first one and forty-nine losing.
 */
export class Choosing {
  private count = 0;
  private readonly handouts = new Map<ProjectId, Set<Handout>>();
  private readonly readings = new Map<ProjectId, Reading>();

  constructor(
    private readonly deps: { readonly database: Database; readonly claims: ClaimAccess; readonly clock: Clock },
  ) {}

  /** A snapshot whose reading begins after this call; calls that wait for the same one share it. */
  snapshot(project: Project): Promise<Snapshot> {
    const reading = this.readings.get(project.id);
    if (reading === undefined) return this.begin(project);
    // The current one may lack what was committed just before this call: the next one has it.
    const next = () => this.begin(project);
    reading.next ??= reading.current.then(next, next);
    return reading.next;
  }

  /**
   * Chooses a feature and hands it out until `end` is called. Undefined when there is none.
   *
   * @param engineerId who asks: work that broke off for somebody else is left alone
   * @param except features that the call has tried in vain
   */
  handOut(snapshot: Snapshot, engineerId: EngineerId, except: ReadonlySet<FeatureId>): Handout | undefined {
    const choice = choose(this.situation(snapshot, engineerId, except));
    if (choice === undefined) return undefined;
    const handout: Handout = { feature: choice.chosen, passedOver: choice.passedOver, ended: undefined };
    const { id } = snapshot.project;
    this.handouts.set(id, (this.handouts.get(id) ?? new Set()).add(handout));
    return handout;
  }

  /** The pick was granted, and its passes are counted; or it was refused. */
  end(handout: Handout): void {
    handout.ended = ++this.count;
  }

  /** Up to so many features that could be handed out now and overlap none of each other. Hands out none. */
  chooseSeveral(snapshot: Snapshot, engineerId: EngineerId, count: number): Contender[] {
    const situation = this.situation(snapshot, engineerId, new Set());
    const chosen: Contender[] = [];
    const index = new TouchIndex<Contender>();
    const overlaps = conflictsWith(index);
    const isFree = (one: Contender) => situation.isFree(one) && !overlaps(one.claimed);
    for (const { chosen: one } of choices({ ...situation, isFree })) {
      chosen.push(one);
      index.add(one, one.claimed);
      if (chosen.length === count) break;
    }
    return chosen;
  }

  /** What the snapshot and the handouts come to, for whoever asks; for nobody in particular when undefined. */
  situation(snapshot: Snapshot, engineerId: EngineerId | undefined, except: ReadonlySet<FeatureId>): Situation {
    // One that ended before the reading began is in what was read, or has failed.
    const others = [...(this.handouts.get(snapshot.project.id) ?? [])].filter(
      ({ ended }) => ended === undefined || ended > snapshot.begun,
    );
    const taken = new Set([...except, ...others.map(({ feature }) => feature.id)]);
    const theirs = new TouchIndex<Handout>();
    for (const handout of others) theirs.add(handout, handout.feature.claimed);
    const overlapsTheirs = conflictsWith(theirs);
    const passes = new Map<FeatureId, number>();
    for (const id of others.flatMap(({ passedOver }) => passedOver)) passes.set(id, (passes.get(id) ?? 0) + 1);
    const now = this.deps.clock.now();
    return {
      contenders:
        passes.size === 0 ? snapshot.contenders : snapshot.contenders.map((one) => withPasses(one, passes, now)),
      isTaken: ({ id }) => taken.has(id) || snapshot.held.isHeld(id),
      isFree: (one) => snapshot.isFree(one) && !overlapsTheirs(one.claimed),
      isLeftAlone: ({ id }) =>
        engineerId !== undefined && snapshot.brokenOff.has(id) && snapshot.brokenOff.get(id) !== engineerId,
      now,
    };
  }

  private begin(project: Project): Promise<Snapshot> {
    const begun = ++this.count;
    const current = this.read(project, begun);
    const reading: Reading = { current };
    this.readings.set(project.id, reading);
    const ended = () => {
      // Whoever waited for the reading before this one has chosen since; nobody rests on anything older.
      const handouts = this.handouts.get(project.id);
      for (const handout of handouts ?? []) if ((handout.ended ?? begun) < begun) handouts?.delete(handout);
      if (handouts?.size === 0) this.handouts.delete(project.id);
      if (this.readings.get(project.id) === reading && reading.next === undefined) this.readings.delete(project.id);
    };
    current.then(ended, ended);
    return current;
  }

  private async read(project: Project, begun: number): Promise<Snapshot> {
    const { read } = this.deps.database;
    const [{ outcome }, candidates] = await Promise.all([
      this.deps.claims.run(project, (store, scope) => store.list(scope)),
      read.choosing.listCandidates(project.id, MAX_CONTENDERS),
    ]);
    const since = this.deps.clock.now().getTime() - LEFT_ALONE_MS;
    const interrupted = candidates.filter(({ interruption }) => (interruption?.time.getTime() ?? 0) > since);
    const sessions = await read.sessions.getMany([
      ...new Set(
        interrupted.flatMap(({ interruption }): SessionId[] => (interruption ? [interruption.sessionId] : [])),
      ),
    ]);
    const engineers = new Map(sessions.map((session) => [session.id, session.engineerId]));
    const held = new HeldTouches(outcome.claims, project.settings.caseSensitive);
    const free = new Map<FeatureId, boolean>();
    return {
      project,
      begun,
      contenders: hotFirst(candidates.map((one) => ({ ...one, claimed: claimedTouches(project, one) }))),
      held,
      isFree: ({ id, claimed }) => {
        const known = free.get(id) ?? held.isFree(claimed);
        free.set(id, known);
        return known;
      },
      brokenOff: new Map(
        interrupted.map(({ id, interruption }) => [id, interruption && engineers.get(interruption.sessionId)]),
      ),
    };
  }
}

function withPasses(one: Contender, passes: ReadonlyMap<FeatureId, number>, now: Date): Contender {
  const more = passes.get(one.id) ?? 0;
  if (more === 0) return one;
  return { ...one, passedOver: one.passedOver + more, passedOverSince: one.passedOverSince ?? now };
}
