import { type CheckPathsResponse, CheckPathsResponseSchema } from "@nexus/gen/nexus/v1/claim_service_pb";
import { Command, Option } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { describeHolder } from "../../output/refusal.ts";
import { textWidth } from "../../output/text-width.ts";
import { mapPath } from "../../repository/map-path.ts";
import { SessionCommand } from "../../session-command.ts";

/** Tells who holds files. */
export class ClaimCheckCommand extends SessionCommand {
  static override paths = [["claim", "check"]];
  static override usage = Command.Usage({
    description: "tell who holds files, without claiming them",
    details:
      "Paths are relative to the current folder; absolute ones inside the working tree are fine, and so are patterns. What your own session holds counts as free. Exits 0 whoever holds them.",
    examples: [
      ["May I edit this file?", "$0 claim check src/auth.ts"],
      ["Who holds anything below a folder?", "$0 claim check 'src/ui/**'"],
    ],
  });

  files = Option.Rest({ required: 1, name: "path" });

  async run() {
    const { checkout, cwd, client } = this.workspace;
    const projectId = await this.workspace.projectId();
    const origin = { cwd, root: checkout?.root, platform: this.context.platform };
    const asked = this.files.map((file) => mapPath(file, origin));
    // A question opens no session; one that has ended is simply nobody's.
    const answer = await this.currentSession.useOrDrop((sessionId) =>
      client.claims.checkPaths({ projectId, paths: asked, sessionId }),
    );
    const held = answer.paths.filter(({ holder }) => holder !== undefined).map(({ path }) => path);
    this.print(CheckPathsResponseSchema, answer, () => this.#describe(answer), { names: held });
  }

  #describe({ paths: checked }: CheckPathsResponse): string {
    const view = { terminal: this.terminal, now: this.context.now() };
    const width = Math.max(...checked.map(({ path }) => textWidth(cleanLine(path))));
    return checked
      .map(({ path, holder, heldPath }) => {
        const asked = cleanLine(path) + " ".repeat(width - textWidth(cleanLine(path)));
        if (holder === undefined) return `${asked}  ${this.style.green("free")}\n`;
        const way = heldPath === path || heldPath === "" ? "" : ` by way of ${cleanLine(heldPath)}`;
        return `${asked}  ${this.style.red("held")}${way}: ${describeHolder(holder, view)}\n`;
      })
      .join("");
  }
}
