import type { BlockedTouch } from "../claims/claim-store.ts";
import type { Slug } from "../ids.ts";
import { describeBlocked } from "./blockers.ts";
import { type Contender, heldBackBy, longestWaiting } from "./choose.ts";
import type { Snapshot } from "./choosing.ts";
import type { FeatureDeps } from "./deps.ts";
import { NothingAvailableError } from "./feature-errors.ts";
import { holdersOf } from "./holders.ts";

/** Features that the refusal tells of, holds in all, and features that hold one's files. */
const MAX_WAITING = 20;
const MAX_BLOCKED = 64;
const MAX_HELD_FOR = 5;

type Reasons = Pick<NothingAvailableError, "waiting" | "blocked" | "unmet">;

/** What was found out for each snapshot: those who rest on the same one are told the same. */
const known = new WeakMap<Snapshot, Promise<Reasons>>();

/** The refusal of a choice: what the ready features wait for, the most wanted first. */
export async function nothingAvailable(deps: FeatureDeps, snapshot: Snapshot): Promise<NothingAvailableError> {
  const found = known.get(snapshot) ?? describe(deps, snapshot);
  known.set(snapshot, found);
  const { waiting, blocked, unmet } = await found;
  return new NothingAvailableError(waiting, blocked, unmet);
}

async function describe(deps: FeatureDeps, snapshot: Snapshot): Promise<Reasons> {
  const { read } = deps.database;
  const { project } = snapshot;
  const unmet = await read.choosing.countUnmet(project.id);
  const waitedFor = longestWaiting(deps.choosing.situation(snapshot, undefined, new Set()));
  const isHeldBack = heldBackBy(waitedFor);
  const waiting: { contender: Contender; hits: readonly BlockedTouch[]; waitsFor: Slug | undefined }[] = [];
  for (const contender of snapshot.contenders) {
    if (waiting.length === MAX_WAITING) break;
    const hits = snapshot.held.blocking(contender.claimed, MAX_BLOCKED) ?? [];
    const waitsFor = isHeldBack(contender) ? waitedFor?.slug : undefined;
    waiting.push({ contender, hits, waitsFor });
  }
  const holders = await holdersOf(
    read,
    waiting.flatMap(({ hits }) => hits.map((hit) => hit.claim)),
  );
  return {
    waiting: waiting.map(({ contender, hits, waitsFor }) => {
      const heldFor = new Set(hits.flatMap((hit) => holders.get(hit.claim)?.featureSlug ?? []));
      return { slug: contender.slug, heldFor: [...heldFor].slice(0, MAX_HELD_FOR), waitsFor };
    }),
    blocked: waiting
      .flatMap(({ contender, hits }) => describeBlocked(deps, project, contender.touches, hits, holders))
      .slice(0, MAX_BLOCKED),
    unmet,
  };
}
