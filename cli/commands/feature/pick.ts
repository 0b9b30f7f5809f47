import { PickFeatureResponseSchema } from "@nexus/gen/nexus/v1/feature_service_pb";
import { Command, Option } from "clipanion";
import { formatPick } from "../../output/describe-pick.ts";
import { SessionCommand } from "../../session-command.ts";

/** Takes a feature for the session, and keeps its fencing token. */
export class FeaturePickCommand extends SessionCommand {
  static override paths = [["feature", "pick"], ["pick"]];
  static override usage = Command.Usage({
    description: "take a feature and claim every file it touches",
    details:
      "All files or none: when somebody holds one of them, the pick is refused (exit code 3), and the answer says who, and what could be picked instead. Until 'nexus done' or 'nexus feature release' nobody else can pick a feature that touches the same files.",
    examples: [
      ["Pick a feature", "$0 pick login"],
      ["For another session, as JSON", "$0 feature pick login --session $S --json"],
    ],
  });

  slug = Option.String({ required: true, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const { slug } = this;
    const answer = await this.currentSession.use(async (sessionId) => {
      this.currentSession.ensureKeepable(sessionId);
      const picked = await this.workspace.client.features.pickFeature({ projectId, slug, sessionId });
      const fencingToken = String(picked.claim?.fencingToken ?? 0n);
      await this.currentSession.keep(sessionId, { slug: picked.feature?.slug ?? slug, fencingToken });
      return picked;
    });
    this.print(PickFeatureResponseSchema, answer, () => formatPick(answer, this.terminal, this.context.now()), {
      names: [answer.feature?.slug ?? slug],
    });
  }
}
