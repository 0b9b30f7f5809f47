import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { type Deviation, deviationsAfter } from "../audit-stores.ts";
import { joinAs, type TestEngineer } from "../start-nexus.ts";
import { Agent, createFeature, type WorkedProject } from "./agent.ts";
import { violationsOf } from "./certain-holds.ts";
import { checkLinearizable, type Verdict } from "./checker.ts";
import { Counters } from "./counters.ts";
import { Doors } from "./doors.ts";
import { eventGaps } from "./event-gaps.ts";
import { type History, HistoryRecorder } from "./history.ts";
import { type Fault, planFaults, unleash } from "./nemesis.ts";
import { plantLies } from "./planted.ts";
import { Random } from "./random.ts";
import { ClaimsSpec } from "./spec.ts";
import { FEATURE_SHAPES } from "./terrain.ts";
import { unfinishedAttempts } from "./unfinished-attempts.ts";
import { World } from "./world.ts";

const SERVERS = 3;
const AGENTS = 20;
const PROJECTS = 2;
const TTL_MS = 6_000;
const LOCK_DELAY_MS = 1_000;
/** After the last fault: how old a deviation between the stores may become (CLAIMS section 6). */
const QUIET_MS = 15_000;
/** How long agents may take to end what they are at. */
const GRACE_MS = 15_000;

/** How long making all features of a project may take. */
const SETUP_MS = 60_000;
/** A run in which less than this was held and ended in each project goes on for longer: it has shown nothing yet. */
const ENOUGH_HOLDS = 10;
/** But no longer than so many times as long. */
const PATIENCE = 4;

/** What one run has shown. Every list is empty when all is well. */
export interface SoakReport {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly projects: readonly ProjectReport[];
  /** Increments that were acknowledged, and counters that say another number. */
  readonly increments: { readonly acknowledged: number; readonly lost: readonly string[] };
  /** What servers logged that must not happen, whatever happens to them. */
  readonly defects: readonly string[];
}

/** What was seen of one project. */
export interface ProjectReport {
  readonly history: History;
  readonly verdict: Verdict;
  /** Histories with a lie in them, and what the checker said of each. */
  readonly planted: readonly { readonly lie: string; readonly verdict: Verdict }[];
  /** Overlapping holds and falling tokens, by pairs of answers. */
  readonly violations: readonly string[];
  /** What the stores disagreed on, with agents at rest, and again with all of them gone. */
  readonly deviations: readonly Deviation[];
  /** What was left when all agents were gone. */
  readonly leftovers: readonly string[];
  /** Undefined where there is no event log. */
  readonly eventGaps: readonly string[] | undefined;
}

/**
 * Lets agents work on three servers while one misfortune after the other strikes, then compares what everybody was told
 * with what claims mean.
 *
 * @param folder an existing one, for the stores
 * @param forMs how long the faults go on, at least
 */
export async function runSoak(seed: number, forMs: number, folder: string): Promise<SoakReport> {
  const world = await World.start(folder, SERVERS);
  try {
    return await soak(world, seed, forMs, folder);
  } finally {
    await world.end();
  }
}

async function soak(world: World, seed: number, forMs: number, folder: string): Promise<SoakReport> {
  const random = new Random(seed);
  const url = () => world.urlOf(0) ?? "";
  const engineer = await joinAs(url(), "ana");
  const doors = () => new Doors(engineer.key, () => world.places.map((_, index) => world.urlOf(index)), random);
  const counters: Counters[] = [];
  const projects: WorkedProject[] = [];
  for (let number = 0; number < PROJECTS; number++) {
    const own = new Counters(join(folder, `files-${number}`));
    counters.push(own);
    projects.push(await openProject(engineer, number, own, doors()));
  }

  const faults: Fault[] = [];
  const begin = performance.now();
  const over = () => {
    const elapsed = performance.now() - begin;
    const enough = projects.every(({ recorder }) => recorder.endedHolds() >= ENOUGH_HOLDS);
    return elapsed > forMs && (enough || elapsed > PATIENCE * forMs);
  };
  const agents = Array.from({ length: AGENTS }, (_, number) => {
    const project = projects[number % PROJECTS] as WorkedProject;
    return new Agent(`agent-${number}`, project, doors(), random);
  });
  await Promise.all([
    unleash(world, planFaults(seed, PATIENCE * forMs, SERVERS, TTL_MS), over, (fault) => faults.push(fault)),
    ...agents.map((agent) => agent.work(over)),
  ]);
  // With sessions alive and work half done...
  const atRest = await Promise.all(projects.map((project) => auditUntilQuiet(world, project.id)));
  // ...and with everybody gone, in order or not.
  const tooLate = within(GRACE_MS);
  await Promise.all(agents.map((agent) => agent.leave(random.chance(0.5) ? "closing" : "vanishing", tooLate)));
  await pause(TTL_MS + LOCK_DELAY_MS);
  const afterwards = await Promise.all(projects.map((project) => auditUntilQuiet(world, project.id)));

  const reports: ProjectReport[] = [];
  for (const [number, project] of projects.entries()) {
    const history = project.recorder.history(TTL_MS);
    reports.push({
      history,
      verdict: judge(history),
      planted: plantLies(history).map(({ lie, operations }) => ({ lie, verdict: judge({ ...history, operations }) })),
      violations: violationsOf(history, TTL_MS),
      deviations: [...(atRest[number] ?? []), ...(afterwards[number] ?? [])],
      leftovers: await leftoversOf(doors(), world, project.id),
      eventGaps: await eventGaps(url(), engineer.key, project.id),
    });
  }
  const tallies = counters.map((own) => own.tally());
  return {
    seed,
    faults,
    projects: reports,
    increments: {
      acknowledged: tallies.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      lost: tallies.flatMap(({ lost }) => lost),
    },
    defects: world.defects(),
  };
}

async function openProject(
  { projects }: TestEngineer,
  number: number,
  counters: Counters,
  doors: Doors,
): Promise<WorkedProject> {
  const { project } = await projects.createProject({
    slug: `shop-${number}`,
    settings: { sessionTtl: durationFromMs(TTL_MS), lockDelay: durationFromMs(LOCK_DELAY_MS) },
  });
  const worked: WorkedProject = {
    id: project?.id ?? "",
    ttlMs: TTL_MS,
    recorder: new HistoryRecorder(),
    counters,
    features: new Map(),
  };
  for (const shape of FEATURE_SHAPES) await createFeature(worked, doors, shape, within(SETUP_MS));
  return worked;
}

function judge(history: History): Verdict {
  const spec = new ClaimsSpec(history, unfinishedAttempts(history.operations));
  return checkLinearizable(spec, history.operations);
}

/** Tells when so much time is over, from now on. */
function within(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() > end;
}

/** What the stores still disagree on when any deviation should be gone. The servers' own reconcilers bring them together. */
async function auditUntilQuiet(world: World, projectId: string): Promise<readonly Deviation[]> {
  const [place] = world.places;
  return deviationsAfter(
    QUIET_MS,
    async () => (await place?.process?.audit(projectId)) ?? [{ key: "", description: "no server runs" }],
    () => pause(500),
  );
}

/** Features that somebody seems to hold, claims, and entries of the index, when nobody is there any more. */
async function leftoversOf(doors: Doors, world: World, projectId: string): Promise<string[]> {
  const seen = await doors.send(
    async ({ features, claims, sessions }) => [
      ...(await features.listFeatures({ projectId, statuses: [FeatureStatus.ACTIVE], pageSize: 500 })).features.map(
        ({ slug }) => `${slug} is active`,
      ),
      ...(await claims.listClaims({ projectId, pageSize: 500 })).claims.map(
        ({ featureSlug, fencingToken }) => `${featureSlug} is claimed under ${fencingToken}`,
      ),
      ...(await sessions.listActiveSessions({ projectId, pageSize: 500 })).sessions.map(({ id }) => `${id} is open`),
    ],
    within(GRACE_MS),
  );
  const shown = Array.isArray(seen.answer) ? seen.answer : ["what is left can't be asked"];
  return [...shown, ...(await world.keysOf(projectId))];
}
