import { createHash } from "node:crypto";
import acquireClaim from "./lua/acquire-claim.lua";
import beginRebuild from "./lua/begin-rebuild.lua";
import checkTouches from "./lua/check-touches.lua";
import claims from "./lua/claims.lua";
import clock from "./lua/clock.lua";
import confirmClaim from "./lua/confirm-claim.lua";
import drainClaims from "./lua/drain-claims.lua";
import endSession from "./lua/end-session.lua";
import finishRebuild from "./lua/finish-rebuild.lua";
import heartbeatSession from "./lua/heartbeat-session.lua";
import index from "./lua/index.lua";
import keys from "./lua/keys.lua";
import listClaims from "./lua/list-claims.lua";
import listDueWork from "./lua/list-due-work.lua";
import listLeases from "./lua/list-leases.lua";
import openSession from "./lua/open-session.lua";
import overlap from "./lua/overlap.lua";
import ranges from "./lua/ranges.lua";
import rebuildClaim from "./lua/rebuild-claim.lua";
import rebuildSession from "./lua/rebuild-session.lua";
import rebuilding from "./lua/rebuilding.lua";
import releaseClaims from "./lua/release-claims.lua";
import retainTouches from "./lua/retain-touches.lua";
import search from "./lua/search.lua";

/** A script as Redis gets it, and the name Redis keeps it under. */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

/** Every verb, each with the preludes that it needs besides the keys and the clock. */
const VERBS = {
  acquireClaim: [claims, index, overlap, ranges, search, acquireClaim],
  confirmClaim: [claims, index, confirmClaim],
  releaseClaims: [claims, index, releaseClaims],
  retainTouches: [claims, index, retainTouches],
  drainClaims: [claims, index, drainClaims],
  checkTouches: [claims, index, overlap, ranges, search, checkTouches],
  listClaims: [claims, listClaims],
  openSession: [claims, openSession],
  heartbeatSession: [claims, heartbeatSession],
  endSession: [claims, index, endSession],
  listLeases: [claims, listLeases],
  listDueWork: [claims, listDueWork],
  beginRebuild: [claims, beginRebuild],
  rebuildSession: [claims, rebuilding, rebuildSession],
  rebuildClaim: [claims, index, overlap, ranges, search, rebuilding, rebuildClaim],
  finishRebuild: [claims, finishRebuild],
} as const;

export type ScriptName = keyof typeof VERBS;

/**
 * The scripts, complete.
 *
 * @param clockSource Lua that defines `local function clock()`, the milliseconds since 1970; Redis' own time by default
 */
export function buildScripts(clockSource = clock): Record<ScriptName, Script> {
  const entries = Object.entries(VERBS).map(([name, parts]) => [name, compose([keys, clockSource, ...parts])]);
  return Object.fromEntries(entries) as Record<ScriptName, Script>;
}

/** Joins preludes and verb; the verb's first line, which tells Redis its flags, has to stay the first. */
function compose(parts: readonly string[]): Script {
  const verb = parts.at(-1) ?? "";
  const flags = verb.slice(0, verb.indexOf("\n"));
  const source = [flags, ...parts.slice(0, -1), verb.slice(flags.length)].join("\n");
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}
