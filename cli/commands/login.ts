import { hostname } from "node:os";
import { parseServerUrl } from "@nexus/client";
import { GetCurrentEngineerResponseSchema, RegisterResponseSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import type { Engineer } from "@nexus/gen/nexus/v1/engineer_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import { configPath, ensureKeyCanBeKept, keepKey } from "../config/config-file.ts";
import { readSecret } from "../files/read-secret.ts";
import { cleanLine } from "../output/clean-text.ts";

/** Registers, or checks a key, and keeps it for the server. */
export class LoginCommand extends NexusCommand {
  static override paths = [["login"]];
  static override usage = Command.Usage({
    description: "log in to a server, or register there",
    details:
      "The key is kept in the user's configuration folder, readable by nobody else, and is sent to that server only. Later commands go to the server of the last login unless NEXUS_URL or the repository's link names another.",
    examples: [
      ["Register", "$0 login --register --email ana@example.com --name Ana"],
      ["Log in with a key that you have, which is asked for", "$0 login"],
      ["The same from a file", "$0 login --token - < key.txt"],
      ["Log in to a team's server", "$0 login --server https://nexus.example.com --token -"],
    ],
  });

  server = Option.String("--server", { description: "The server's address; else NEXUS_URL, the link, the last login" });
  register = Option.Boolean("--register", false, { description: "Register as a new engineer" });
  email = Option.String("--email", { description: "With --register: your email" });
  engineerName = Option.String("--name", { description: "With --register: your name, as others see it" });
  keyName = Option.String("--key-name", { description: "With --register: what the key is for; else the host's name" });
  invite = Option.String("--invite", { description: "With --register: the invitation, where one is needed" });
  token = Option.String("--token", {
    description: "Only -, which reads your key from stdin; on a terminal it is asked for and not shown",
  });

  async run() {
    const hasTerminal = (this.context.stdin as { readonly isTTY?: boolean }).isTTY === true;
    if (this.register ? this.token !== undefined : this.token === undefined && !hasTerminal) {
      throw new CliError("USAGE_INVALID", "either --register or --token - is needed", "nexus login --help");
    }
    const url = this.#chooseUrl();
    return this.register ? this.#registerAt(url) : this.#logInTo(url);
  }

  #chooseUrl(): string {
    if (this.server !== undefined) {
      try {
        return parseServerUrl(this.server);
      } catch (cause) {
        throw new CliError("USAGE_INVALID", `--server: ${(cause as Error).message}`, "", { cause });
      }
    }
    const { url, trusted } = this.workspace.server;
    if (!trusted) {
      throw new CliError(
        "USAGE_INVALID",
        `${this.workspace.link?.path} names the server ${url}; say so if you want to log in there`,
        `nexus login --server ${url} …`,
      );
    }
    return url;
  }

  async #registerAt(url: string) {
    if (this.email === undefined || this.engineerName === undefined) {
      throw new CliError("USAGE_INVALID", "--register needs --email and --name", "nexus login --help");
    }
    ensureKeyCanBeKept(this.context.env);
    const client = this.workspace.connect(url, undefined);
    try {
      const answer = await client.auth.register({
        email: this.email,
        name: this.engineerName,
        keyName: this.keyName ?? hostname().slice(0, 100),
        invite: this.invite ?? "",
      });
      this.#keep(url, answer.apiKey);
      this.print(
        RegisterResponseSchema,
        answer,
        () =>
          `${welcome(answer.engineer, url)}\nyour key, shown this once, for your other machines:\n  ${cleanLine(answer.apiKey)}\nit is kept in ${configPath(this.context.env)}\nnext: nexus project create <slug>\n`,
        { names: [answer.apiKey] },
      );
    } finally {
      client.close();
    }
  }

  async #logInTo(url: string) {
    if ((this.token ?? "-") !== "-") {
      const why = "a key on the command line is seen by everybody on this machine; give it on stdin";
      throw new CliError("USAGE_INVALID", why, "nexus login --token -");
    }
    const apiKey = await readSecret(`your key for ${url}, which is not shown`, this.context);
    if (!/^[\x21-\x7e]{1,500}$/.test(apiKey)) {
      throw new CliError("USAGE_INVALID", "that is no key: one line that begins with nxs_", "nexus login --token -");
    }
    const client = this.workspace.connect(url, apiKey);
    try {
      const answer = await client.auth.getCurrentEngineer({});
      this.#keep(url, apiKey);
      this.print(GetCurrentEngineerResponseSchema, answer, () => `${welcome(answer.engineer, url)}\n`, {
        names: [answer.engineer?.email ?? ""],
      });
    } finally {
      client.close();
    }
  }

  #keep(url: string, apiKey: string): void {
    keepKey(this.context.env, url, apiKey);
    if (this.context.env["NEXUS_API_KEY"]) this.note("NEXUS_API_KEY is set and goes before this login");
  }
}

function welcome(engineer: Engineer | undefined, url: string): string {
  return `logged in to ${url} as ${cleanLine(engineer?.name ?? "")} <${cleanLine(engineer?.email ?? "")}>`;
}
