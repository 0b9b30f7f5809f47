import { type Claim, ClaimState } from "@nexus/gen/nexus/v1/claim_pb";
import { ListClaimsResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { Command } from "clipanion";
import { listAll } from "../../list-all.ts";
import { holderName } from "../../output/describe-feature.ts";
import { enumWord } from "../../output/enum-words.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { type Column, formatTable } from "../../output/table.ts";
import { ProjectCommand } from "../../project-command.ts";

/** Lists all claims of a project. */
export class ClaimListCommand extends ProjectCommand {
  static override paths = [["claim", "list"]];
  static override usage = Command.Usage({
    description: "list what is held in the project, the oldest claim first",
    details: "A claim that is draining was lost by its holder; its files are free within the project's lock delay.",
    examples: [["Who holds what?", "$0 claim list"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const { claims, features } = this.workspace.client;
    // Claims name only the session; for programs that is enough.
    const isTold = !this.json && !this.quiet;
    const statuses = [FeatureStatus.ACTIVE];
    const [answer, active] = await Promise.all([
      listAll("claims", (page) => claims.listClaims({ projectId, ...page })),
      isTold ? listAll("features", (page) => features.listFeatures({ projectId, statuses, ...page })) : undefined,
    ]);
    const holders = new Map((active?.features ?? []).map((feature) => [feature.slug, holderName(feature)]));
    this.print(
      ListClaimsResponseSchema,
      answer,
      () => formatTable(this.#columns(holders), answer.claims, this.terminal) || "nothing is held\n",
      { names: answer.claims.flatMap(({ touches }) => touches.map(({ path }) => path)) },
    );
  }

  #columns(holders: ReadonlyMap<string, string>): Column<Claim>[] {
    const now = this.context.now();
    return [
      { heading: "feature", cell: ({ featureSlug }) => featureSlug },
      { heading: "held by", cell: ({ featureSlug }) => holders.get(featureSlug) ?? "" },
      { heading: "holds", cell: ({ touches }) => touches.map(({ path }) => path).join(" "), flexible: true },
      { heading: "state", cell: ({ state }) => enumWord(ClaimState, state) },
      { heading: "since", cell: ({ acquireTime }) => relativeTime(acquireTime, now) },
      { heading: "expires", cell: ({ expireTime }) => relativeTime(expireTime, now) },
    ];
  }
}
