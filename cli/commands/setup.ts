import { hostname } from "node:os";
import { basename, join, resolve } from "node:path";
import { toJson } from "@bufbuild/protobuf";
import { type NexusClient, NexusError, parseServerUrl } from "@nexus/client";
import { type Engineer, EngineerSchema } from "@nexus/gen/nexus/v1/engineer_pb";
import { type Project, ProjectSchema } from "@nexus/gen/nexus/v1/project_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import { ensureKeyCanBeKept, keepKey } from "../config/config-file.ts";
import { readInput } from "../files/read-input.ts";
import { stateFolder } from "../files/user-folders.ts";
import { cleanLine } from "../output/clean-text.ts";
import { writeLink } from "../project/link-file.ts";
import { runGit } from "../repository/git.ts";
import { ask, canAsk } from "../setup/ask.ts";
import { canServe, startBackgroundServer } from "../setup/background-server.ts";

/** The server that was found, or the process id of the one that was started. */
interface ServerOutcome {
  readonly url: string;
  readonly pid?: number;
  readonly log?: string;
}

interface EngineerOutcome {
  readonly engineer: Engineer;
  /** Only of somebody who was registered now; it is shown this once. */
  readonly newKey?: string;
  readonly client: NexusClient;
}

interface ProjectOutcome {
  readonly project: Project;
  readonly created: boolean;
  /** Where the link was written; undefined when it was there. */
  readonly linkedIn?: string;
}

/** Brings a repository to where features can be created: a server, an engineer, a project. */
export class SetupCommand extends NexusCommand {
  static override paths = [["setup"]];
  static override usage = Command.Usage({
    description: "set up a repository: find or start a server, log in, link a project",
    details:
      "Asks for what it can't find out, and changes nothing that is right already, so it can be run again at any time. Where nobody can be asked it takes the flags, and for the rest what the questions suggest. A server that it starts goes on in the background; run setup again to start it after the machine was.",
    examples: [
      ["Set up this repository", "$0 setup"],
      ["Without questions", "$0 setup --email ana@example.com --name Ana --project shop"],
      ["For a team's server, with a key", "echo $KEY | $0 setup --server https://nexus.example.com --token -"],
    ],
  });

  server = Option.String("--server", { description: "The server's address; else the one that commands would go to" });
  start = Option.Boolean("--start", {
    description: "Start a server on this machine when none answers (--no-start: don't)",
  });
  dataDir = Option.String("--data-dir", { description: "Where a server that is started keeps its data" });
  email = Option.String("--email", { description: "Your email, to register; else git's user.email" });
  engineerName = Option.String("--name", { description: "Your name, as others see it; else git's user.name" });
  invite = Option.String("--invite", { description: "The invitation, where one is needed to register" });
  token = Option.String("--token", { description: "Only -, which reads a key that you have from stdin" });
  projectName = Option.String("--project", {
    description: "The project's slug or id, created when it is new; else the link's, or the folder's name",
  });

  #client: NexusClient | undefined;

  async run() {
    try {
      const server = await this.#findServer(this.#chooseUrl());
      const engineer = await this.#logIn(server.url);
      const project = await this.#linkProject(server.url, engineer.client);
      this.#tell(server, engineer, project);
    } finally {
      this.#client?.close();
    }
  }

  #chooseUrl(): string {
    if (this.server === undefined) {
      const { url, trusted } = this.workspace.server;
      if (trusted) return url;
      const path = this.workspace.link?.path;
      throw new CliError(
        "USAGE_INVALID",
        `${path} names the server ${url}, which you never logged in to; say so if you want to`,
        `nexus setup --server ${url}`,
      );
    }
    try {
      return parseServerUrl(this.server);
    } catch (cause) {
      throw new CliError("USAGE_INVALID", `--server: ${(cause as Error).message}`, "nexus setup --help", { cause });
    }
  }

  async #findServer(url: string): Promise<ServerOutcome> {
    const stranger = this.workspace.connect(url, undefined);
    // Any answer will do; only a Nexus server gives this one.
    const answers = async () => {
      try {
        await stranger.auth.getCurrentEngineer({});
        return undefined;
      } catch (error) {
        if (error instanceof NexusError && error.reason === "CREDENTIALS_INVALID") return undefined;
        return error;
      }
    };
    try {
      const failure = await answers();
      if (failure === undefined) return { url };
      const isAway = failure instanceof NexusError && failure.reason === "SERVER_UNREACHABLE";
      if (!isAway || !canServe(url) || !(await this.#mayStart(url))) throw failure;
      const log = join(stateFolder(this.context.env), "server.log");
      const dataDir = this.dataDir === undefined ? undefined : resolve(this.workspace.cwd, this.dataDir);
      const launcher = join(this.context.programFolder, "..", "bin", "nexus.cjs");
      const settings = { launcher, url, dataDir, logFile: log, env: this.context.env };
      const pid = await startBackgroundServer(settings, async () => (await answers()) === undefined);
      return { url, pid, log };
    } finally {
      stranger.close();
    }
  }

  async #mayStart(url: string): Promise<boolean> {
    if (this.start !== undefined || !canAsk(this.context)) return this.start ?? true;
    const answer = await ask(`no server answers at ${url}; start one here?`, "yes", this.context);
    return /^y/i.test(answer);
  }

  async #logIn(url: string): Promise<EngineerOutcome> {
    if (this.token !== undefined) return this.#logInWith(await this.#readToken(), url);
    const { server, config } = this.workspace;
    const apiKey = server.url === url ? server.apiKey : config.keys[url];
    if (apiKey !== undefined) {
      try {
        return await this.#logInWith(apiKey, url);
      } catch (error) {
        // A key that was revoked, or of a server whose data is gone.
        if (!(error instanceof NexusError) || error.reason !== "CREDENTIALS_INVALID") throw error;
        this.note(`the key that is kept for ${url} is no good any more`);
        this.#client?.close();
      }
    }
    return this.#register(url);
  }

  async #readToken(): Promise<string> {
    if (this.token !== "-") {
      const why = "a key on the command line is seen by everybody on this machine; give it on stdin";
      throw new CliError("USAGE_INVALID", why, "nexus setup --token -");
    }
    return (await readInput("-", this.context)).trim();
  }

  async #logInWith(apiKey: string, url: string): Promise<EngineerOutcome> {
    const client = this.#connect(url, apiKey);
    const { engineer } = await client.auth.getCurrentEngineer({});
    if (engineer === undefined) throw new Error("the server answered no engineer");
    const isKept = this.workspace.config.keys[url] === apiKey;
    if (!isKept && this.context.env["NEXUS_API_KEY"] !== apiKey) keepKey(this.context.env, url, apiKey);
    return { engineer, client };
  }

  async #register(url: string): Promise<EngineerOutcome> {
    const email = await this.#answer(this.email, "--email", "your email", "user.email");
    const name = await this.#answer(this.engineerName, "--name", "your name, as others see it", "user.name");
    ensureKeyCanBeKept(this.context.env);
    const stranger = this.workspace.connect(url, undefined);
    try {
      const keyName = hostname().slice(0, 100);
      const { engineer, apiKey } = await stranger.auth.register({ email, name, keyName, invite: this.invite ?? "" });
      if (engineer === undefined) throw new Error("the server answered no engineer");
      keepKey(this.context.env, url, apiKey);
      return { engineer, newKey: apiKey, client: this.#connect(url, apiKey) };
    } catch (error) {
      if (!(error instanceof NexusError) || error.reason !== "RESOURCE_ALREADY_EXISTS") throw error;
      const why = `${email} is registered on ${url} already; setup needs the key that was shown then`;
      throw new CliError("CREDENTIALS_INVALID", why, "nexus setup --token -   (the key is read from stdin)", {
        cause: error,
      });
    } finally {
      stranger.close();
    }
  }

  /** A flag, else what a person answers, else what git knows. */
  async #answer(given: string | undefined, flag: string, question: string, gitName: string): Promise<string> {
    if (given !== undefined) return given;
    const usual = await runGit(this.workspace.cwd, ["config", gitName]).then(
      ({ exitCode, stdout }) => (exitCode === 0 ? stdout : ""),
      () => "",
    );
    if (canAsk(this.context)) return ask(question, usual, this.context);
    if (usual !== "") return usual;
    throw new CliError("USAGE_INVALID", `${flag} is needed: git has no ${gitName}`, "nexus setup --help");
  }

  async #linkProject(url: string, client: NexusClient): Promise<ProjectOutcome> {
    const { link, checkout, cwd } = this.workspace;
    const isLinked = link !== undefined && link.link.server === url;
    if (isLinked) {
      const linked = await findProject(client, link.link.project);
      const { projectName: asked } = this;
      if (linked !== undefined && (asked === undefined || asked === linked.slug || asked === linked.id)) {
        return { project: linked, created: false };
      }
      if (linked === undefined && asked === undefined) {
        throw new CliError(
          "PROJECT_NOT_CHOSEN",
          `you are no member of ${link.link.slug}, the project that ${link.path} names, or it is gone`,
          "an owner adds you with 'nexus project add-member <your email>'; for another project: nexus setup --project <slug>",
        );
      }
    }
    const asked = this.projectName ?? (await this.#chooseProject(slugOf(basename(checkout?.mainRoot ?? cwd))));
    const found = await findProject(client, asked);
    const project = found ?? (await client.projects.createProject({ slug: asked })).project;
    if (project === undefined) throw new Error("the server answered no project");
    const linkedIn = writeLink(cwd, checkout, { server: url, project: project.id, slug: project.slug });
    return { project, created: found === undefined, linkedIn };
  }

  async #chooseProject(usual: string): Promise<string> {
    if (canAsk(this.context)) return ask("the project, created when it is new", usual, this.context);
    if (usual !== "") return usual;
    throw new CliError("USAGE_INVALID", "--project is needed: the folder's name makes no slug", "nexus setup --help");
  }

  #connect(url: string, apiKey: string): NexusClient {
    this.#client = this.workspace.connect(url, apiKey);
    return this.#client;
  }

  #tell(server: ServerOutcome, { engineer, newKey }: EngineerOutcome, { project, created, linkedIn }: ProjectOutcome) {
    if (this.json) {
      const options = { alwaysEmitImplicit: true };
      const told = {
        server: { ...server, started: server.pid !== undefined },
        engineer: toJson(EngineerSchema, engineer, options),
        ...(newKey === undefined ? {} : { apiKey: newKey }),
        project: toJson(ProjectSchema, project, options),
        projectCreated: created,
        linkedIn: linkedIn ?? "",
      };
      this.context.stdout.write(`${JSON.stringify(told)}\n`);
      return;
    }
    const who = `${cleanLine(engineer.name)} <${cleanLine(engineer.email)}>`;
    const slug = cleanLine(project.slug);
    const lines = [
      server.pid === undefined
        ? `server   ${server.url} answers`
        : `server   ${server.url} was started (process ${server.pid}, log in ${server.log}; stop it with: kill ${server.pid})`,
      newKey === undefined
        ? `you      are logged in as ${who}`
        : `you      were registered as ${who}; your key, shown this once, for your other machines:\n         ${cleanLine(newKey)}`,
      linkedIn === undefined
        ? `project  ${slug} is linked`
        : `project  ${slug} ${created ? "was created and linked" : "was linked"} (${linkedIn}; it may be committed)`,
      "next: nexus feature create --title <title> --touch <path>",
    ];
    this.context.stdout.write(`${lines.join("\n")}\n`);
  }
}

async function findProject(client: NexusClient, slugOrId: string): Promise<Project | undefined> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(slugOrId);
  try {
    return (await client.projects.getProject(isId ? { projectId: slugOrId } : { slug: slugOrId })).project;
  } catch (error) {
    if (error instanceof NexusError && error.reason === "RESOURCE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** A slug from a folder's name, as the server makes one from a title; empty when nothing is left. */
function slugOf(name: string): string {
  const words =
    name
      .normalize("NFKD")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  return words.join("-").slice(0, 63).replace(/-$/, "");
}
