import type { Caller } from "../caller.ts";
import { PermissionDeniedError } from "../errors.ts";
import { by } from "../events/event.ts";
import { failpoint } from "../failpoint.ts";
import type { ProjectId, Slug } from "../ids.ts";
import { requireMember } from "../projects/require-member.ts";
import { orLater } from "../recovery/or-later.ts";
import { interruptionOf } from "../sessions/interruption-of.ts";
import type { FeatureDeps } from "./deps.ts";
import type { Holder } from "./feature.ts";
import { StatusTransitionInvalidError } from "./feature-errors.ts";
import { claimEvent, featureEvent } from "./feature-event.ts";
import { lockFeature } from "./require-feature.ts";

/**
 * Takes a feature away from its holder: ready again at once, with an interruption; its paths stay blocked for the
 * project's lock-delay, since the holder may still be writing. Owners, or the holder's own engineer.
 *
 * @param reason for the audit
 * @returns who held it; their hold ended now
 * @throws StatusTransitionInvalidError when nobody holds it, PermissionDeniedError
 */
export async function forceRelease(
  deps: FeatureDeps,
  caller: Caller,
  named: { readonly projectId: ProjectId; readonly slug: Slug },
  reason: string,
): Promise<Holder> {
  const { project, role } = await requireMember(deps.database.read, named.projectId, caller.engineerId);
  const time = deps.clock.now();
  let firstTime = false;
  await failpoint("force-release.before-commit");
  const { draining, former } = await deps.database.mutate(caller.request, async (tx) => {
    const feature = await lockFeature(tx, named.projectId, named.slug);
    const { hold } = feature;
    if (hold === undefined) {
      const message = `nobody holds ${feature.slug}: it is ${feature.status}`;
      throw new StatusTransitionInvalidError(feature.slug, feature.status, "ready", message);
    }
    if (role !== "owner" && hold.engineerId !== caller.engineerId) {
      throw new PermissionDeniedError(
        "owner",
        `${feature.slug} is held by ${hold.engineerName}; only they or an owner`,
      );
    }
    const session = await tx.sessions.get(named.projectId, hold.sessionId);
    const interruption = session && (await interruptionOf(tx, session, "forced-release", time));
    await tx.features.endHoldOfSession(hold.sessionId, "ready", interruption, time);
    const ended = await tx.claims.endOfFeature(feature.id, "drained", time);
    const moment = { ...by(caller), ...named, time };
    tx.events.append(featureEvent(moment, { change: "status", from: feature.status, to: "ready", interruption }));
    for (const claim of ended) tx.events.append(claimEvent(moment, "forced", claim, reason));
    await failpoint("force-release.in-commit");
    firstTime = true;
    return { draining: ended.map((claim) => claim.id), former: hold };
  });
  await failpoint("force-release.after-commit");
  if (firstTime) {
    deps.audit("forced release", {
      project: named.projectId,
      feature: named.slug,
      by: caller.engineerId,
      from: former.sessionId,
      reason,
    });
  }
  await orLater(async () => {
    await deps.claims.run(project, (store, scope) => store.drain(scope, draining, project.settings.lockDelayMs));
    await failpoint("force-release.after-drain");
  });
  const { engineerId, engineerName, agent, sessionId, acquireTime } = former;
  return { engineerId, engineerName, agent, sessionId, featureSlug: named.slug, acquireTime, expireTime: time };
}
