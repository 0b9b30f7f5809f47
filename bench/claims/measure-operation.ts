import { randomUUID } from "node:crypto";
import type { ClaimId, FeatureId } from "../../server/domain/ids.ts";
import { type BenchProject, type BenchStore, toTouches } from "./bench-store.ts";
import type { Operation } from "./operations.ts";

/** Runs in one project before the next has its turn; as many come first and do not count. */
const BLOCK = 50;
const DAY_MS = 24 * 3_600_000;

/** How long an operation took each time in one project, in microseconds, in no order. */
export interface Measured {
  readonly insideRedis: readonly number[];
  /** With what the client does to ask and to read the answer. */
  readonly atClient: readonly number[];
}

/**
 * Runs an operation again and again, in blocks and in one project after the other, so that a machine that slows down does so for all
 * of them. What it is granted is released each time.
 *
 * @throws Error when an answer is not the one that the operation is to show
 */
export async function measureOperation(
  bench: BenchStore,
  projects: readonly BenchProject[],
  operation: Operation,
  runs: number,
): Promise<readonly Measured[]> {
  const measured = projects.map(() => ({ insideRedis: [] as number[], atClient: [] as number[] }));
  for (let first = -BLOCK; first < runs; first += BLOCK) {
    for (const [number, project] of projects.entries()) {
      for (let run = first; run < first + BLOCK; run++) {
        const before = await bench.scriptTime();
        const { claimId, micros } = await acquire(bench, project, operation, run + BLOCK);
        if (run >= 0) {
          measured[number]?.insideRedis.push((await bench.scriptTime()) - before);
          measured[number]?.atClient.push(micros);
        }
        if (operation.outcome === "granted") await bench.store.release(project.scope, [claimId]);
      }
    }
  }
  return measured;
}

async function acquire(bench: BenchStore, project: BenchProject, operation: Operation, run: number) {
  const claimId = randomUUID() as ClaimId;
  const touches = toTouches(operation.entries(run));
  const begin = performance.now();
  const outcome = await bench.store.acquire(project.scope, {
    claimId,
    featureId: randomUUID() as FeatureId,
    sessionId: project.sessionId,
    ttlMs: DAY_MS,
    touches,
  });
  const micros = (performance.now() - begin) * 1_000;
  if (outcome.kind !== operation.outcome) {
    throw new Error(`${operation.name}: ${outcome.kind}, not ${operation.outcome}`);
  }
  return { claimId, micros };
}
