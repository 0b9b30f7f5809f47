import { Command } from "clipanion";
import { NexusCommand } from "../command.ts";
import { cleanLine } from "../output/clean-text.ts";
import { askServerVersion, type ServerVersion } from "../server-version.ts";
import { VERSION } from "../version.ts";

/** Prints the version, and whether the server's fits. */
export class VersionCommand extends NexusCommand {
  static override paths = [["version"]];
  static override usage = Command.Usage({
    description: "print the version, and whether the server's fits",
    details:
      "The first line is the version of this command line, which 'nexus --version' prints without asking the server. The exit code is 0 whatever the server says.",
    examples: [
      ["Print the versions", "$0 version"],
      ["For a program", "$0 version --json"],
    ],
  });

  async run() {
    const asked = this.#whomToAsk();
    if (asked === undefined) {
      this.context.stdout.write(this.json ? `${JSON.stringify({ version: VERSION })}\n` : `${VERSION}\n`);
      return;
    }
    const { url, timeoutMs } = asked;
    const answer = await askServerVersion(url, timeoutMs);
    if (this.json) {
      const known = answer.kind === "known" ? { version: answer.version, fits: answer.fit === "fits" } : {};
      const told = { version: VERSION, server: { url, reachable: answer.kind !== "away", ...known } };
      this.context.stdout.write(`${JSON.stringify(told)}\n`);
      return;
    }
    this.context.stdout.write(`${VERSION}\n${describe(answer, url)}\n`);
  }

  /** Undefined where the files that name the server can't be read: the own version is told all the same. */
  #whomToAsk(): { readonly url: string; readonly timeoutMs: number } | undefined {
    try {
      const { server, timeoutMs } = this.workspace;
      return { url: server.url, timeoutMs };
    } catch {
      return undefined;
    }
  }
}

function describe(answer: ServerVersion, url: string): string {
  switch (answer.kind) {
    case "away":
      return `no server answers at ${url}`;
    case "untold":
      return `what answers at ${url} tells no version: it is no Nexus server, or one older than 0.1.0`;
    case "known":
      break;
  }
  const theirs = cleanLine(answer.version);
  switch (answer.fit) {
    case "fits":
      return `the server at ${url} is ${theirs}; they fit`;
    case "server-is-older":
      return `the server at ${url} is ${theirs}: too old for this command line\nnext: update the server, or install the command line of ${theirs}`;
    case "server-is-newer":
      return `the server at ${url} is ${theirs}: this command line is too old for it\nnext: npm install -g nexus-cli-${theirs}.tgz   (made by 'make pack' of that version)`;
  }
}
