import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { Command, Option } from "clipanion";
import type { NexusContext } from "./context.ts";
import { ExitCode } from "./exit-codes.ts";
import { Interrupted } from "./interrupted.ts";
import { cleanLine, jsonLine } from "./output/clean-text.ts";
import type { FailureContext } from "./output/describe-error.ts";
import { Progress } from "./output/progress.ts";
import { createStyle, type Style } from "./output/style.ts";
import { type Terminal, terminalOf } from "./output/terminal.ts";
import { Workspace } from "./workspace.ts";

/** What is printed beside the message itself. */
interface Printed {
  /** What `--quiet` prints: the names or ids that the next command takes. */
  readonly names?: readonly string[];
  /** Added to the JSON object. */
  readonly more?: JsonObject;
}

/**
 * What every command shares: `--json`, `--quiet`, and how it prints. A command declares what it takes, calls the client, and
 * prints the answer; whatever goes wrong it throws.
 */
export abstract class NexusCommand extends Command<NexusContext> {
  json = Option.Boolean("--json", false, { description: "Print the answer as JSON" });
  quiet = Option.Boolean("-q,--quiet", false, { description: "Print names or ids only, one a line, and no hints" });

  #progress: Progress | undefined;
  #workspace: Workspace | undefined;

  /** Does the work; throws what goes wrong. */
  abstract run(): Promise<void>;

  /** The exit code; undefined when the process goes on and says itself how it ends. */
  async execute(): Promise<number | undefined> {
    try {
      await this.run();
      return ExitCode.Ok;
    } catch (error) {
      if (error instanceof Interrupted) return error.exitCode;
      throw error;
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
    this.#workspace ??= new Workspace(this.context, this.progress, this.projectOption());
    return this.#workspace;
  }

  /** Tells a person what is waited for; nothing with `--json` or `--quiet`. */
  protected get progress(): Progress {
    const { stderr, env } = this.context;
    const silent = this.json || this.quiet;
    this.#progress ??= new Progress(stderr, silent ? { width: undefined, color: false } : terminalOf(stderr, env));
    return this.#progress;
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
   * Prints an answer: the message itself with `--json` (one line, defaults written out), its names or ids with
   * `--quiet`, else what `human` makes of it.
   */
  protected print<Desc extends DescMessage>(
    type: Desc,
    message: MessageShape<Desc>,
    human: () => string,
    { names = [], more = {} }: Printed = {},
  ): void {
    const json = () => ({ ...(toJson(type, message, { alwaysEmitImplicit: true }) as JsonObject), ...more });
    this.printValue(json, human, names);
  }

  /** The same for what is no message of the API. */
  protected printValue(json: () => JsonObject, human: () => string, names: readonly string[] = []): void {
    const text = () => (this.quiet ? names.map((name) => `${cleanLine(name)}\n`).join("") : human());
    this.context.stdout.write(this.json ? jsonLine(json()) : text());
  }

  /** Tells a person something beside the answer; on stderr, and neither with `--json` nor with `--quiet`. */
  protected note(text: string): void {
    if (!this.json && !this.quiet) this.context.stderr.write(`${text}\n`);
  }
}
