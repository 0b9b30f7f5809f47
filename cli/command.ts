import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { Command, Option } from "clipanion";
import type { NexusContext } from "./context.ts";
import { ExitCode } from "./exit-codes.ts";
import type { FailureContext } from "./output/describe-error.ts";
import { createStyle, type Style } from "./output/style.ts";
import { type Terminal, terminalOf } from "./output/terminal.ts";
import { Workspace } from "./workspace.ts";

/**
 * What every command shares: `--json`, and how it prints. A command declares what it takes, calls the client, and
 * prints the answer; whatever goes wrong it throws.
 */
export abstract class NexusCommand extends Command<NexusContext> {
  json = Option.Boolean("--json", false, { description: "Print the answer as JSON" });

  #workspace: Workspace | undefined;

  /** Does the work; throws what goes wrong. */
  abstract run(): Promise<void>;

  /** The exit code; undefined when the process goes on and says itself how it ends. */
  async execute(): Promise<number | undefined> {
    try {
      await this.run();
      return ExitCode.Ok;
    } finally {
      this.#workspace?.close();
    }
  }

  /** What a failure of this command is told with. */
  failureContext(): FailureContext {
    const subject = "slug" in this && typeof this.slug === "string" ? this.slug : "";
    if (this.#workspace === undefined) return { subject };
    try {
      const { serverSource, link, server } = this.workspace;
      const foreign = link !== undefined && link.link.server !== server.url && this.projectOption() === undefined;
      return { subject, serverSource, ...(foreign ? { foreignLink: link.path } : {}) };
    } catch {
      // What is wrong with the files is the failure that is being told.
      return { subject };
    }
  }

  /** Where the command runs. */
  protected get workspace(): Workspace {
    this.#workspace ??= new Workspace(this.context, this.projectOption());
    return this.#workspace;
  }

  protected get terminal(): Terminal {
    return terminalOf(this.context.stdout, this.context.env);
  }

  protected get style(): Style {
    return createStyle(this.terminal.color);
  }

  /** The project named on the command line, for the commands that take one. */
  protected projectOption(): string | undefined {
    return undefined;
  }

  /**
   * Prints an answer: the message itself with `--json` (one line, defaults written out), else what `human` makes of
   * it. `more` is added to the JSON object.
   */
  protected print<Desc extends DescMessage>(
    type: Desc,
    message: MessageShape<Desc>,
    human: () => string,
    more: JsonObject = {},
  ): void {
    const json = () => ({ ...(toJson(type, message, { alwaysEmitImplicit: true }) as JsonObject), ...more });
    this.context.stdout.write(this.json ? `${JSON.stringify(json())}\n` : human());
  }

  /** Tells a person something beside the answer; on stderr, and not with `--json`. */
  protected note(text: string): void {
    if (!this.json) this.context.stderr.write(`${text}\n`);
  }
}
