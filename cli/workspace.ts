import { realpathSync } from "node:fs";
import { createNexusClient, DEFAULT_TIMEOUT_MS, type NexusClient } from "@nexus/client";
import { CliError } from "./cli-error.ts";
import { chooseServer, type ServerChoice } from "./config/choose-server.ts";
import { type Config, readConfig } from "./config/config-file.ts";
import type { NexusContext } from "./context.ts";
import type { Progress } from "./output/progress.ts";
import { findLink, type ProjectLink } from "./project/link-file.ts";
import { type Checkout, findCheckout } from "./repository/checkout.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The longest that Node's timers can wait; a longer time would end at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const SOURCES = {
  NEXUS_URL: "NEXUS_URL",
  login: "the last login",
  default: "nowhere; it is the usual one",
} as const;

/** Where a command runs: the working tree, the server, the project. Each is found out when it is first asked for. */
export class Workspace {
  readonly #context: NexusContext;
  readonly #progress: Progress;
  readonly #project: string | undefined;
  #checkout: { readonly found: Checkout | undefined } | undefined;
  #link: { readonly found: { readonly path: string; readonly link: ProjectLink } | undefined } | undefined;
  #config: Config | undefined;
  #client: NexusClient | undefined;
  #projectId: Promise<string> | undefined;

  /** `project` is a slug or id given on the command line. Calls that take their time are told to `progress`. */
  constructor(context: NexusContext, progress: Progress, project?: string) {
    this.#context = context;
    this.#progress = progress;
    this.#project = project;
  }

  /**
   * The current folder, symbolic links resolved.
   *
   * @throws CliError FILE_UNUSABLE when it was removed
   */
  get cwd(): string {
    try {
      return realpathSync(this.#context.cwd);
    } catch (cause) {
      throw new CliError("FILE_UNUSABLE", `the current folder can't be used: ${(cause as Error).message}`, "", {
        cause,
      });
    }
  }

  get checkout(): Checkout | undefined {
    this.#checkout ??= { found: findCheckout(this.cwd) };
    return this.#checkout.found;
  }

  get link(): { readonly path: string; readonly link: ProjectLink } | undefined {
    this.#link ??= { found: findLink(this.cwd, this.checkout) };
    return this.#link.found;
  }

  get config(): Config {
    this.#config ??= readConfig(this.#context.env);
    return this.#config;
  }

  get server(): ServerChoice {
    return chooseServer(this.#context.env, this.config, this.link?.link.server);
  }

  /** Who says that the server is at that address, for people. */
  get serverSource(): string {
    const { chosenBy } = this.server;
    return chosenBy === "project link" ? (this.link?.path ?? "") : SOURCES[chosenBy];
  }

  /**
   * A client that calls with the user's key; the same one every time.
   *
   * @throws CliError CREDENTIALS_INVALID when there is no key for the server
   */
  get client(): NexusClient {
    if (this.#client === undefined) {
      const { url, apiKey, trusted } = this.server;
      if (apiKey === undefined) {
        const why = trusted ? "" : `, the server that ${this.link?.path} names`;
        const login = url === this.config.server || trusted ? "nexus login" : `nexus login --server ${url}`;
        throw new CliError(
          "CREDENTIALS_INVALID",
          `you are not logged in to ${url}${why}`,
          `${login} --register --email <email> --name <name>   (with a key: ${login} --token -)`,
        );
      }
      this.#client = this.connect(url, apiKey);
    }
    return this.#client;
  }

  /**
   * How long a call may take with all its attempts, in milliseconds.
   *
   * @throws CliError when NEXUS_TIMEOUT_MS is no such time
   */
  get timeoutMs(): number {
    const given = this.#context.env["NEXUS_TIMEOUT_MS"] || String(DEFAULT_TIMEOUT_MS);
    const timeoutMs = /^\d{1,10}$/.test(given) ? Number(given) : 0;
    if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
      const span = `a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`;
      throw new CliError("USAGE_INVALID", `NEXUS_TIMEOUT_MS is ${span}, not ${JSON.stringify(given)}`);
    }
    return timeoutMs;
  }

  /** A client of that server; the caller closes it. */
  connect(url: string, apiKey: string | undefined): NexusClient {
    const client = createNexusClient({ baseUrl: url, apiKey, timeoutMs: this.timeoutMs });
    return this.#told(client, `waiting for ${url}`);
  }

  /** The same client, whose calls are told of while they take their time. */
  #told<Calls extends object>(calls: Calls, what: string): Calls {
    return new Proxy(calls, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member === "object" && member !== null) return this.#told(member, what);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const answer: unknown = Reflect.apply(member, target, args);
          return answer instanceof Promise ? this.#progress.during(what, answer) : answer;
        };
      },
    });
  }

  /**
   * The id of the project: named on the command line, in NEXUS_PROJECT, or in the repository's link.
   *
   * @throws CliError PROJECT_NOT_CHOSEN when nothing names one
   */
  projectId(): Promise<string> {
    this.#projectId ??= this.#findProjectId();
    return this.#projectId;
  }

  /** The id of the project with that slug or id. */
  async resolveProject(slugOrId: string): Promise<string> {
    if (UUID.test(slugOrId)) return slugOrId.toLowerCase();
    const { project } = await this.client.projects.getProject({ slug: slugOrId });
    return project?.id ?? "";
  }

  close(): void {
    this.#client?.close();
  }

  async #findProjectId(): Promise<string> {
    const named = this.#project ?? (this.#context.env["NEXUS_PROJECT"] || undefined);
    if (named !== undefined) return this.resolveProject(named);
    // Who is not logged in is told that first: choosing a project comes after it.
    if (this.client && this.link !== undefined) return this.link.link.project;
    throw new CliError(
      "PROJECT_NOT_CHOSEN",
      "no project is chosen here: there is no .nexus.json, no --project and no NEXUS_PROJECT",
      "nexus project use <project>   (a new one: nexus project create <slug>)",
    );
  }
}
