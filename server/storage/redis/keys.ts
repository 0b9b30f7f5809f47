import type { ProjectId } from "../../domain/ids.ts";

/**
 * What is kept of one project, in the order in which every script gets the keys (lua/keys.lua reads them in it).
 *
 * - `state`: hash with epoch, ready mark, intent, server identity, token counter, greatest time seen
 * - `leases`: zset of session id, scored with the end of its lease
 * - `claims`: hash of claim id to its record; `touches`: hash of claim id to its touches
 * - `features`: lexicographic zset of feature id, token and claim id
 * - `holdings`: lexicographic zset of session id and claim id
 * - `provisional` and `draining`: zsets of claim id, scored with the time at which somebody has to look after it
 * - `entries`, `suffixes`, `nodes` and `depths`: the index of what is held (lua/index.lua)
 */
const KINDS = [
  "state",
  "leases",
  "claims",
  "touches",
  "features",
  "holdings",
  "provisional",
  "draining",
  "entries",
  "suffixes",
  "nodes",
  "depths",
] as const;

/** The keys of one project; the braces put all of them in one Cluster slot. */
export function projectKeys(prefix: string, projectId: ProjectId): string[] {
  return KINDS.map((kind) => `${prefix}:{${projectId}}:${kind}`);
}
