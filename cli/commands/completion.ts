import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import { completeWords } from "../completion/complete-words.ts";
import { SHELL_SCRIPTS, SHELLS } from "../completion/shell-scripts.ts";

/** Prints what makes a shell complete commands, flags and names; and answers that shell's questions. */
export class CompletionCommand extends NexusCommand {
  static override paths = [["completion"]];
  static override usage = Command.Usage({
    description: "print what makes a shell complete nexus commands: bash, zsh or fish",
    details:
      "Completes commands, flags, and the names of features and projects, for which the server is asked for at most 0.8 seconds. The script calls 'nexus completion words -- <words>', which prints what the last of the words may become, one a line.",
    examples: [
      ["In ~/.bashrc", 'eval "$($0 completion bash)"'],
      ["In ~/.zshrc, after compinit", 'eval "$($0 completion zsh)"'],
      ["For fish", "$0 completion fish > ~/.config/fish/completions/nexus.fish"],
    ],
  });

  shell = Option.String({ required: true, name: "shell" });
  line = Option.Rest({ name: "words" });

  async run() {
    if (this.shell === "words") {
      const found = await completeWords(this.line, this.context);
      this.context.stdout.write(found.map((word) => `${word}\n`).join(""));
      return;
    }
    const shell = SHELLS.find((name) => name === this.shell);
    if (shell === undefined || this.line.length > 0) {
      const asked = [this.shell, ...this.line].join(" ");
      throw new CliError(
        "USAGE_INVALID",
        `there is a completion for ${SHELLS.join(", ")}, not ${JSON.stringify(asked)}`,
        "nexus completion --help",
      );
    }
    this.context.stdout.write(SHELL_SCRIPTS[shell]);
  }
}
