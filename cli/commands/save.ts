import type { JsonObject } from "@bufbuild/protobuf";
import { SaveCheckpointResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { parseToken } from "../held-feature-command.ts";
import { cleanLine } from "../output/clean-text.ts";
import { findWorkState } from "../repository/work-state.ts";
import { TextCommand } from "../text-command.ts";

/** What the server takes of changed files, and of one file's name. */
const MAX_CHANGED_PATHS = 1_000;
const MAX_PATH = 1_024;

/** Saves how far the work has come. */
export class SaveCommand extends TextCommand {
  static override paths = [["save"]];
  static override usage = Command.Usage({
    description: "save how far the work has come, so that somebody else can go on with it",
    details:
      "With it go branch, commit and the changed files of this working tree, as git has them. The next pick of the feature tells the latest; 'nexus resume' shows it at any time.",
    examples: [
      ["Half-way", '$0 save "half-way: parser done, tests missing"'],
      ["A longer text, and data for a program", `$0 save - --data '{"step":3}' < notes.md`],
    ],
  });

  data = Option.String("--data", { description: "A JSON object to get back with it" });
  fencingToken = Option.String("--fencing-token", {
    description: "The token of the feature's pick; else the one that was kept at the pick",
  });

  protected readonly verb = "save";

  protected async send(text: string) {
    const data = this.data === undefined ? undefined : parseData(this.data);
    const projectId = await this.workspace.projectId();
    const { branch, commit, changedPaths } = await this.progress.during(
      "asking git",
      findWorkState(this.workspace.checkout?.root ?? this.workspace.cwd),
    );
    const named = changedPaths.filter((path) => path.length <= MAX_PATH && !isOdd(path)).slice(0, MAX_CHANGED_PATHS);
    if (named.length < changedPaths.length) {
      this.note(`${changedPaths.length - named.length} of ${changedPaths.length} changed files are not named in it`);
    }
    const given = this.fencingToken === undefined ? undefined : parseToken(this.fencingToken);
    const answer = await this.currentSession.use(async (sessionId) =>
      this.workspace.client.sessions.saveCheckpoint({
        projectId,
        sessionId,
        fencingToken: given ?? BigInt((await this.currentSession.held())?.fencingToken ?? 0),
        context: text,
        ...(data === undefined ? {} : { data }),
        branch,
        commit,
        changedPaths: named,
      }),
    );
    const slug = answer.checkpoint?.featureSlug ?? "";
    const what = slug === "" ? "saved, as the session's own: it holds no feature" : `saved for ${cleanLine(slug)}`;
    this.print(SaveCheckpointResponseSchema, answer, () => `${what}\n`, {
      names: [answer.checkpoint?.id ?? ""],
    });
  }
}

function parseData(text: string): JsonObject {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return data as JsonObject;
  } catch {
    // Told below, like what is JSON but no object.
  }
  throw new CliError("USAGE_INVALID", `--data is a JSON object such as {"step":3}, not ${JSON.stringify(text)}`);
}

/** A name with control characters, which no text on the server has. */
function isOdd(path: string): boolean {
  return /\p{Cc}/u.test(path);
}
