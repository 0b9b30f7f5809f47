import { indexTerms } from "../../server/storage/redis/index-terms.ts";
import { projectKeys } from "../../server/storage/redis/keys.ts";
import claims from "../../server/storage/redis/lua/claims.lua";
import clock from "../../server/storage/redis/lua/clock.lua";
import index from "../../server/storage/redis/lua/index.lua";
import keys from "../../server/storage/redis/lua/keys.lua";
import overlap from "../../server/storage/redis/lua/overlap.lua";
import ranges from "../../server/storage/redis/lua/ranges.lua";
import search from "../../server/storage/redis/lua/search.lua";
import { type BenchProject, type BenchStore, toTouches } from "./bench-store.ts";
import naiveScan from "./naive-scan.lua";
import type { Operation } from "./operations.ts";

const source = [keys, clock, claims, index, overlap, ranges, search, naiveScan].join("\n");
/** Held paths that all runs of one operation together walk. */
const PATHS_WALKED = 1_000_000;
const MOST_RUNS = 50;

/**
 * Microseconds that a scan of everything held takes inside Redis for the same question, each time.
 *
 * @throws Error when it answers otherwise than the index
 */
export async function measureNaiveScan(
  bench: BenchStore,
  project: BenchProject,
  operation: Operation,
): Promise<readonly number[]> {
  const runs = Math.max(1, Math.min(MOST_RUNS, PATHS_WALKED / project.held));
  const ofProject = projectKeys("nexus", project.scope.projectId);
  const sha1 = String(await bench.redis.script("LOAD", source));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const asked = toTouches(operation.entries(run)).map(({ pattern }) => ({ terms: indexTerms(pattern) }));
    const before = await bench.scriptTime();
    const found = await bench.redis.evalsha(sha1, ofProject.length, ...ofProject, JSON.stringify(asked));
    times.push((await bench.scriptTime()) - before);
    if ((found === 1) !== (operation.outcome === "conflict")) {
      throw new Error(`${operation.name}: the naive scan does not find what the index does`);
    }
  }
  return times;
}
