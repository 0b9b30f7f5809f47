import type { Touch } from "../claims/touch.ts";
import { NexusError } from "../errors.ts";
import type { Slug } from "../ids.ts";
import { type Feature, type FeatureStatus, type Holder, type InterruptionCause, TRANSITIONS } from "./feature.ts";
import type { FeatureReference } from "./feature-store.ts";

/** A touch that somebody else's claim overlaps. */
export interface Blocked {
  readonly touch: Touch;
  readonly heldPath: string;
  /** A path that both would write. */
  readonly witnessPath: string;
  readonly holder: Holder;
}

/** Somebody holds files that the feature touches. Nothing was claimed. */
export class ClaimConflictError extends NexusError {
  readonly reason = "CLAIM_CONFLICT";

  constructor(
    readonly blocked: readonly Blocked[],
    readonly suggestions: readonly Feature[] = [],
  ) {
    const free = suggestions[0];
    super(
      `${blocked.map(blockedSentence).join("; ")}. ${
        free === undefined
          ? "Nothing else is free now; wait, or see 'nexus feature list --status ready'."
          : `Free instead: ${suggestions.map((s) => s.slug).join(", ")}; run 'nexus feature pick ${free.slug}'.`
      }`,
    );
  }
}

/** Another session works on the feature. */
export class FeatureAlreadyHeldError extends NexusError {
  readonly reason = "FEATURE_ALREADY_HELD";

  constructor(readonly holder: Holder) {
    super(
      `${holder.featureSlug} is held by ${holderName(holder)} until ${holder.expireTime.toISOString()} or later; pick another: 'nexus feature available'`,
    );
  }
}

/** The session holds another feature. */
export class SessionBusyError extends NexusError {
  readonly reason = "SESSION_BUSY";

  constructor(readonly featureSlug: Slug) {
    super(
      `the session holds ${featureSlug}; first 'nexus feature done ${featureSlug}' or 'nexus feature release ${featureSlug}'`,
    );
  }
}

/** The feature is no longer held under that token by that session. */
export class FencingTokenStaleError extends NexusError {
  readonly reason = "FENCING_TOKEN_STALE";

  constructor(
    readonly featureSlug: Slug,
    readonly status: FeatureStatus,
  ) {
    super(
      `the session does not hold ${featureSlug} under that fencing token (it is ${status}); stop working on it and see 'nexus feature show ${featureSlug}'`,
    );
  }
}

/** The feature's status does not allow what was asked. */
export class StatusTransitionInvalidError extends NexusError {
  readonly reason = "STATUS_TRANSITION_INVALID";
  readonly allowed: readonly FeatureStatus[];

  constructor(
    readonly featureSlug: Slug,
    readonly from: FeatureStatus,
    readonly asked: FeatureStatus,
    message?: string,
  ) {
    const allowed = TRANSITIONS[from];
    super(
      message ??
        `${featureSlug} is ${from}, which can't become ${asked}${
          allowed.length === 0 ? "; that is final" : `; only ${allowed.join(" or ")}`
        }${from === "draft" && asked === "active" ? `; run 'nexus feature ready ${featureSlug}' first` : ""}`,
    );
    this.allowed = allowed;
  }
}

/** Features that must come first are not done; or, on deletion, others depend on it. */
export class DependenciesUnmetError extends NexusError {
  readonly reason = "DEPENDENCIES_UNMET";

  constructor(
    readonly featureSlug: Slug,
    readonly unmet: readonly FeatureReference[],
    what: "pick" | "delete",
  ) {
    const list = unmet.map((u) => `${u.slug} (${u.status})`).join(", ");
    super(
      what === "pick"
        ? `${featureSlug} depends on features that are not done: ${list}; work on those first`
        : `other features depend on ${featureSlug}: ${list}; take it out of their depends_on first`,
    );
  }
}

/** The feature would depend on itself. */
export class DependencyCycleError extends NexusError {
  readonly reason = "DEPENDENCY_CYCLE";

  /** @param cycle slugs along it, the first again at the end */
  constructor(readonly cycle: readonly Slug[]) {
    super(`that would be a cycle of dependencies: ${cycle.join(" → ")}`);
  }
}

/** A ready feature that can't be picked now. */
export interface Waiting {
  readonly slug: Slug;
  /** Features that hold what it touches. */
  readonly heldFor: readonly Slug[];
  /** The one that has waited longer and comes first. */
  readonly waitsFor: Slug | undefined;
}

/** No feature can be picked now. */
export class NothingAvailableError extends NexusError {
  readonly reason = "NOTHING_AVAILABLE";

  /** @param unmet how many features are ready but for dependencies that are not done */
  constructor(
    readonly waiting: readonly Waiting[],
    readonly blocked: readonly Blocked[],
    readonly unmet: number,
  ) {
    const [first] = waiting;
    const why =
      first === undefined
        ? unmet === 0
          ? "no feature is ready; make one: 'nexus feature ready <feature>'"
          : `the ${unmet} ready features depend on others that are not done`
        : `${first.slug} comes next and waits for ${[...first.heldFor, ...(first.waitsFor === undefined ? [] : [first.waitsFor])].join(", ") || "its files"}`;
    super(`no feature can be picked now: ${why}; see 'nexus feature available --blocked'`);
  }
}

/** The claim ended without its holder's doing. */
export class ClaimLostError extends NexusError {
  readonly reason = "CLAIM_LOST";

  constructor(
    readonly featureSlug: Slug,
    readonly interruptionCause: InterruptionCause,
  ) {
    super(`the claim of ${featureSlug} was lost (${interruptionCause}); stop working on it, and pick it again`);
  }
}

function blockedSentence(blocked: Blocked): string {
  const held = blocked.heldPath === blocked.touch.path ? "" : ` (holds ${blocked.heldPath})`;
  return `${blocked.touch.path} is held by ${holderName(blocked.holder)}${held} for ${blocked.holder.featureSlug} until ${blocked.holder.expireTime.toISOString()} or later`;
}

function holderName(holder: Holder): string {
  return holder.agent === "" ? holder.engineerName : `${holder.engineerName}'s ${holder.agent}`;
}
