import { ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import { ExtendClaimResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { Command, Option } from "clipanion";
import { mapTouches } from "../../feature-fields.ts";
import { HeldFeatureCommand } from "../../held-feature-command.ts";
import { cleanLine } from "../../output/clean-text.ts";
import type { FailureContext } from "../../output/describe-error.ts";

/** Claims more files in mid-work. */
export class ClaimExtendCommand extends HeldFeatureCommand {
  static override paths = [["claim", "extend"]];
  static override usage = Command.Usage({
    description: "claim more files for the feature that you hold",
    details:
      "All of them or none, at once: when somebody holds one, it is refused (exit code 3) and says who. What you hold already is no conflict.",
    examples: [
      ["The work needs another file", "$0 claim extend src/session.ts"],
      ["A file that merges by itself", "$0 claim extend --shared CHANGELOG.md"],
    ],
  });

  files = Option.Rest({ required: 1, name: "path" });
  shared = Option.Boolean("--shared", false, { description: "Others may claim them as shared at the same time" });

  override failureContext(): FailureContext {
    const asked = this.files.map((file) => cleanLine(file)).join(" ");
    return {
      ...super.failureContext(),
      subject: "the extension",
      next: `nexus claim check ${asked}   (until it is free)`,
    };
  }

  async run() {
    const mode = this.shared ? ClaimMode.SHARED : ClaimMode.EXCLUSIVE;
    const target = await this.heldTarget(undefined);
    const touches = mapTouches(this.files, this.workspace, this.context).map((touch) => ({ ...touch, mode }));
    const answer = await this.currentSession.useOpen(target.sessionId, () =>
      this.workspace.client.claims.extendClaim({ ...target, touches }),
    );
    const held = (answer.claim?.touches ?? []).map(({ path }) => cleanLine(path));
    this.print(
      ExtendClaimResponseSchema,
      answer,
      () => `you hold ${held.join(", ") || "all of that already"} as well, for ${cleanLine(target.slug)}\n`,
      { names: held },
    );
  }
}
