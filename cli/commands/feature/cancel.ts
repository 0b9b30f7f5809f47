import { CancelFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";

/** Gives a feature up for good; an active one with the token of its holder, or as an owner. */
export class FeatureCancelCommand extends HeldFeatureCommand {
  static override paths = [["feature", "cancel"]];
  static override usage = Command.Usage({
    description: "give a feature up for good",
    details: "A cancelled feature never comes back. One that somebody works on: only that session, or an owner.",
    examples: [["Give a feature up", "$0 feature cancel login"]],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { slug } = this;
    const held = await this.currentSession.held();
    const isHolder = this.fencingToken !== undefined || held?.slug === slug;
    const target = isHolder ? await this.heldTarget(slug) : undefined;
    const cancel = (sessionId: string) =>
      this.workspace.client.features.cancelFeature({
        projectId,
        slug,
        sessionId,
        fencingToken: target?.fencingToken ?? 0n,
      });
    const answer = await (target === undefined
      ? cancel("")
      : this.currentSession.useOpen(target.sessionId, () => cancel(target.sessionId)));
    if (target !== undefined) await this.currentSession.keep(target.sessionId, undefined);
    this.print(CancelFeatureResponseSchema, answer, () => `${cleanLine(slug)} is cancelled\n`, { names: [slug] });
  }
}
