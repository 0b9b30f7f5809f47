import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { startNexus } from "./testing/start-nexus.ts";
import { openWorkplace, refusalOf, type Workplace } from "./testing/workplace.ts";

async function openPlace() {
  const place = await openWorkplace(await startNexus("embedded"));
  return { ...place, ...withBranches(place) };
}

function withBranches({ ana, projectId, ready, hold }: Workplace) {
  const sessionOn = async (branch: string) => {
    const opened = await ana.sessions.openSession({ projectId, clientSessionId: randomUUID(), branch });
    return opened.session?.id ?? "";
  };
  return {
    sessionOn,
    /** Completes a feature that touches these, on that branch. */
    async landed(slug: string, touches: readonly string[], branch: string) {
      await ready(slug, touches);
      const sessionId = await sessionOn(branch);
      const fencingToken = await hold(slug, sessionId);
      const landing = { branch, commit: `commit of ${slug}` };
      await ana.features.completeFeature({ projectId, slug, sessionId, fencingToken, landing });
    },
  };
}

test("a pick tells what is done on another branch, not merged, and in the same files", async () => {
  const place = await openPlace();
  const { ana, projectId } = place;
  await place.landed("login", ["src/auth.ts", "src/ui/**", "docs"], "login-branch");
  await place.landed("apart", ["lib"], "apart-branch");
  await place.landed("same-branch", ["src"], "work");
  await place.ready("next", ["src/ui/form.ts", "src/auth.ts"]);

  const sessionId = await place.sessionOn("work");
  const { unmerged } = await ana.features.pickFeature({ projectId, slug: "next", sessionId });

  expect(unmerged).toMatchObject([
    { featureSlug: "login", title: "login", landing: { branch: "login-branch", commit: "commit of login" } },
  ]);
  expect([...(unmerged[0]?.paths ?? [])].sort()).toEqual(["src/auth.ts", "src/ui/**"]);
  expect(unmerged[0]?.doneTime).toBeDefined();
});

test("what is marked as merged is no longer told of, nor listed as unmerged", async () => {
  const place = await openPlace();
  const { ana, projectId } = place;
  await place.landed("one", ["src"], "one-branch");
  await place.landed("two", ["src"], "two-branch");
  await place.ready("next", ["src/a.ts"]);
  const unmergedSlugs = async () =>
    (await ana.features.listFeatures({ projectId, unmerged: true })).features.map(({ slug }) => slug);
  expect(await unmergedSlugs()).toEqual(["one", "two"]);

  const { feature } = await ana.features.markFeatureMerged({ projectId, slug: "one" });
  const again = await ana.features.markFeatureMerged({ projectId, slug: "one" });

  expect(feature?.mergedTime).toBeDefined();
  expect(again.feature).toEqual(feature);
  expect(await unmergedSlugs()).toEqual(["two"]);
  const { unmerged } = await ana.features.pickNextFeature({ projectId, sessionId: await place.sessionOn("work") });
  expect(unmerged.map(({ featureSlug }) => featureSlug)).toEqual(["two"]);
});

test("what is not done can't be marked as merged", async () => {
  const { ana, projectId, ready } = await openPlace();
  await ready("open", []);
  const refusal = await refusalOf(ana.features.markFeatureMerged({ projectId, slug: "open" }));
  expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "STATUS_TRANSITION_INVALID" });
});
