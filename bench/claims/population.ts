import { randomUUID } from "node:crypto";
import type { ClaimId, FeatureId } from "../../server/domain/ids.ts";
import { type BenchProject, type BenchStore, toTouches } from "./bench-store.ts";

const PATHS_PER_CLAIM = 20;
const PATHS_PER_PACKAGE = 200;
const AT_ONCE = 64;
/** The number of the first held entry: the smallest project holds ten paths of every kind, too. */
export const FIRST_HELD = 10;

/**
 * Fills a project as a large repository would be held: of twenty paths sixteen files, two pairs of generated files, a
 * directory and a glob.
 *
 * @param held how many paths, a multiple of 10
 */
export async function populate(bench: BenchStore, held: number): Promise<BenchProject> {
  const before = await bench.usedMemory();
  const scope = await bench.begin();
  const sessionId = await bench.rebuildSession(scope);
  let waiting: Promise<unknown>[] = [];
  for (let first = FIRST_HELD; first < FIRST_HELD + held; first += PATHS_PER_CLAIM) {
    const last = Math.min(first + PATHS_PER_CLAIM, FIRST_HELD + held);
    const entries = Array.from({ length: last - first }, (_, i) => heldEntry(first + i));
    waiting.push(
      bench.store.rebuildClaim(scope, "bench", {
        claimId: randomUUID() as ClaimId,
        featureId: randomUUID() as FeatureId,
        sessionId,
        fencingToken: BigInt(first + 1),
        acquireTime: new Date(0),
        touches: toTouches(entries),
      }),
    );
    if (waiting.length === AT_ONCE) {
      await Promise.all(waiting);
      waiting = [];
    }
  }
  await Promise.all(waiting);
  const bytesPerPath = ((await bench.usedMemory()) - before) / held;
  await bench.store.finishRebuild(scope, "bench");
  await bench.finishGrowth();
  return { scope, sessionId: await bench.openSession(scope), held, bytesPerPath };
}

/** The held entry of this number. */
export function heldEntry(number: number): string {
  const home = Math.floor(number / PATHS_PER_PACKAGE);
  switch (number % 20) {
    case 16:
    case 17:
      return `gen/p${home}/{a,b}${number}.css`;
    case 18:
      return `packages/p${home}/lib/d${number}`;
    case 19:
      return `packages/p${home}/docs/d${number}/*.md`;
    default:
      return `packages/p${home}/src/m${Math.floor(number / 20) % 10}/f${number}.ts`;
  }
}
