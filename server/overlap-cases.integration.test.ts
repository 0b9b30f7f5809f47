import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ClaimConflictSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { describe, expect, test } from "vitest";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf } from "./testing/workplace.ts";

interface OverlapCase {
  readonly a: string;
  readonly b: string;
  readonly expect: boolean | "invalid";
  readonly note: string;
}

/** The shared cases lie beside the repository, not in it. */
const FILE = fileURLToPath(new URL("../../shared/data/overlap-cases.json", import.meta.url));
const present = existsSync(FILE);
if (!present) console.warn("skipped: the shared overlap cases are not beside this repository (shared/data)");
const cases: OverlapCase[] = present ? JSON.parse(readFileSync(FILE, "utf8")) : [];

describe.runIf(present).each(["redis", "embedded"] as const)("through the API with %s claims", (kind) => {
  test(`each of the ${cases.length} shared cases, in both orders`, async () => {
    const nexus = await startNexus(kind);
    const { ready, session, pick, hold, ana, projectId } = await openWorkplace(nexus);
    const [one, two] = [await session(), await session()];
    const wrong: string[] = [];

    for (const [index, { a, b, expect: expected, note }] of cases.entries()) {
      const say = (what: string) => wrong.push(`${JSON.stringify(a)} / ${JSON.stringify(b)} (${note}): ${what}`);
      if (expected === "invalid") {
        const refused = await refusalOf(ready(`case-${index}`, [a])).catch(() => undefined);
        if (refused?.reason !== "PATH_INVALID") say(`not PATH_INVALID but ${refused?.reason ?? "accepted"}`);
        continue;
      }
      await ready(`a-${index}`, [a]);
      await ready(`b-${index}`, [b]);
      for (const [held, asked] of [
        ["a", "b"],
        ["b", "a"],
      ] as const) {
        const token = await hold(`${held}-${index}`, one);
        const picked = pick(`${asked}-${index}`, two);
        const answer = await picked.catch(() => undefined);
        if (answer === undefined) {
          const refusal = await refusalOf(picked);
          const witness = refusal.detail(ClaimConflictSchema)?.blocked[0]?.witnessPath;
          if (refusal.reason !== "CLAIM_CONFLICT" || !expected) say(`${held} first: refused with ${refusal.reason}`);
          else if (!witness) say(`${held} first: no witness`);
        } else {
          if (expected) say(`${held} first: both were granted`);
          const fencingToken = answer.claim?.fencingToken ?? 0n;
          await ana.features.releaseFeature({ projectId, slug: `${asked}-${index}`, sessionId: two, fencingToken });
        }
        await ana.features.releaseFeature({
          projectId,
          slug: `${held}-${index}`,
          sessionId: one,
          fencingToken: token,
        });
      }
    }

    expect(wrong).toEqual([]);
  });
});
