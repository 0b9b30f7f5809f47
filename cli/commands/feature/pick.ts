import { ClaimState } from "@nexus/gen/nexus/v1/claim_pb";
import { type Feature, FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { PickFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { listAll } from "../../list-all.ts";
import { cleanLine } from "../../output/clean-text.ts";
import { formatPick } from "../../output/describe-pick.ts";
import { PickCommand } from "../../pick-command.ts";

/** Takes a feature for the session, and keeps its fencing token. */
export class FeaturePickCommand extends PickCommand {
  static override paths = [["feature", "pick"], ["pick"]];
  static override usage = Command.Usage({
    description: "take a feature and claim every file it touches",
    details:
      "All files or none: when somebody holds one of them, the pick is refused (exit code 3), and the answer says who, and what could be picked instead. Until 'nexus done' or 'nexus feature release' nobody else can pick a feature that touches the same files.",
    examples: [
      ["Pick a feature", "$0 pick login"],
      ["As soon as its files are free", "$0 pick login --wait"],
      ["Go on with work of yours that broke off", "$0 pick --resume"],
      ["Take it over from another session of yours", "$0 pick login --take-over"],
      ["For another session, as JSON", "$0 feature pick login --session $S --json"],
    ],
  });

  slug = Option.String({ required: false, name: "feature" });
  takeOver = Option.Boolean("--take-over", false, {
    description: "Take it over from another session of yours; its files stay held, and that session is told",
  });
  resume = Option.Boolean("--resume", false, {
    description: "Without a name: what you hold, else the work of yours that broke off, here rather than elsewhere",
  });

  async run() {
    if (this.slug === undefined && !this.resume) {
      const next = "nexus pick <feature>   (the next that is free: nexus next)";
      throw new CliError("USAGE_INVALID", "which feature? one is needed, or --resume", next);
    }
    const projectId = await this.workspace.projectId();
    const slug = this.slug ?? (await this.#brokenOff(projectId));
    const { features } = this.workspace.client;
    const takeOver = this.takeOver ? await this.#heldToken(projectId, slug) : undefined;
    const named = { projectId, slug, ...(takeOver === undefined ? {} : { takeOver }) };
    const answer = await this.take((sessionId) => features.pickFeature({ ...named, sessionId }));
    this.print(PickFeatureResponseSchema, answer, () => formatPick(answer, this.terminal, this.context.now()), {
      names: [answer.feature?.slug ?? slug],
    });
  }

  /** What was picked here; else the one feature of the caller's that a session has left, rather one of this place. */
  async #brokenOff(projectId: string): Promise<string> {
    const held = await this.currentSession.held();
    if (held !== undefined) return held.slug;
    const { features, auth } = this.workspace.client;
    const statuses = [FeatureStatus.READY];
    const [ready, me] = await Promise.all([
      listAll("features", (page) => features.listFeatures({ projectId, statuses, ...page })),
      auth.getCurrentEngineer({}),
    ]);
    const mine = ready.features.filter(({ interruption }) => interruption?.engineerName === me.engineer?.name);
    const here = mine.filter((feature) => this.#wasHere(feature));
    const found = here.length > 0 ? here : mine;
    const [first, ...others] = found.map(({ slug }) => cleanLine(slug));
    if (first === undefined) {
      throw new CliError("NOTHING_PICKED", "no work of yours has broken off", "nexus next");
    }
    if (others.length > 0) {
      throw new CliError(
        "USAGE_INVALID",
        `which one? ${[first, ...others].join(", ")} broke off`,
        `nexus pick ${first}`,
      );
    }
    return first;
  }

  #wasHere({ interruption }: Feature): boolean {
    const { host, worktree } = this.currentSession.surroundings();
    return interruption?.host === host && interruption.worktree === worktree;
  }

  /** The token that the feature is held under, which the take-over has to name; undefined when nobody holds it. */
  async #heldToken(projectId: string, slug: string): Promise<bigint | undefined> {
    const { claims } = this.workspace.client;
    const all = await listAll("claims", (page) => claims.listClaims({ projectId, ...page }));
    // The oldest first: what was claimed in mid-work comes after the pick.
    const held = all.claims.filter(({ state }) => state === ClaimState.HELD);
    return held.find(({ featureSlug }) => featureSlug === slug)?.fencingToken;
  }
}
