import { Option } from "clipanion";
import { readText } from "./files/read-input.ts";
import type { FailureContext } from "./output/describe-error.ts";
import { SessionCommand } from "./session-command.ts";
import { keepDraft } from "./spec/edit-draft.ts";

/** A command whose text is given, or read from stdin; what was read is kept when it is refused. */
export abstract class TextCommand extends SessionCommand {
  text = Option.String({ required: true, name: "text" });

  /** Its word: `nexus <verb> -`. */
  protected abstract readonly verb: string;

  #kept: string | undefined;

  /** Sends the text, and prints the answer. */
  protected abstract send(text: string): Promise<void>;

  override failureContext(): FailureContext {
    if (this.#kept === undefined) return super.failureContext();
    const session = this.session === undefined ? "" : ` --session ${this.session}`;
    return { ...super.failureContext(), kept: { path: this.#kept, command: `nexus ${this.verb}${session} - <` } };
  }

  async run() {
    const text = await readText(this.text, this.context);
    try {
      await this.send(text);
    } catch (error) {
      if (this.text === "-" && text.trim() !== "") this.#kept = keepDraft(text, this.context, this.verb);
      throw error;
    }
  }
}
