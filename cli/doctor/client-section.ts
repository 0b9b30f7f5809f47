import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { createNexusClient, NexusError } from "@nexus/client";
import { SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { configPath, readConfig } from "../config/config-file.ts";
import type { NexusContext } from "../context.ts";
import { stateFolder } from "../files/user-folders.ts";
import { describeError } from "../output/describe-error.ts";
import { enumWord } from "../output/enum-words.ts";
import { Progress } from "../output/progress.ts";
import { runGit } from "../repository/git.ts";
import { askServerVersion } from "../server-version.ts";
import { CurrentSession } from "../session/current-session.ts";
import { VERSION } from "../version.ts";
import { Workspace } from "../workspace.ts";
import { attempt, type Finding, ok, skipped } from "./attempt.ts";
import type { Check, Section } from "./section.ts";

/** The longest that one call may take, in milliseconds. */
const MOST_MS = 3_000;

/** What a command run here, by this user, with this environment, needs. */
export const clientSection: Section = { name: "client", check: checkClient };

async function checkClient(context: NexusContext): Promise<readonly Check[]> {
  const quiet = new Progress(context.stderr, { width: undefined, color: false });
  const workspace = new Workspace(context, quiet);
  const checks = [
    await attempt("configuration", () => checkConfiguration(context)),
    await attempt("state folder", () => checkStateFolder(context)),
    await attempt("git", () => checkGit(workspace)),
  ];
  const server = await attempt("server", () => checkServer(workspace));
  const key = await after(server, "key", () => withClient(workspace, checkKey));
  const project = await after(key, "project", () => withClient(workspace, checkProject));
  const session = await after(project, "session", () =>
    withClient(workspace, (client) => checkSession(client, context, workspace)),
  );
  workspace.close();
  return [...checks, server, key, project, session];
}

/** What can't be looked at unless something else is in order. */
function after(needed: Check, name: string, look: () => Promise<Finding>): Promise<Check> {
  const isInOrder = needed.state === "ok";
  return attempt(name, isInOrder ? look : () => skipped(`needs the ${needed.name}`));
}

type Client = ReturnType<typeof createNexusClient>;

/** Calls the server with the user's key, for a bounded time. */
async function withClient(
  workspace: Workspace,
  look: (client: Client, workspace: Workspace) => Promise<Finding>,
): Promise<Finding> {
  // Throws what a command would be refused with when there is no key.
  void workspace.client;
  const { url, apiKey } = workspace.server;
  const client = createNexusClient({ baseUrl: url, apiKey, timeoutMs: Math.min(workspace.timeoutMs, MOST_MS) });
  try {
    return await look(client, workspace);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    const view = { terminal: { width: undefined, color: false }, now: new Date() };
    const [detail = "", ...lines] = describeError(error, view).trim().split("\n");
    const next = lines.find((line) => line.startsWith("next: "))?.slice("next: ".length) ?? "";
    return { state: "failure", detail, next };
  } finally {
    client.close();
  }
}

function checkConfiguration({ env }: NexusContext): Finding {
  const path = configPath(env);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return ok(`there is no ${path} yet; 'nexus login' writes it`);
  const { keys } = readConfig(env);
  const mode = (stat.mode & 0o777).toString(8);
  if ((stat.mode & 0o077) !== 0) {
    const detail = `${path} holds keys, and others can read or change it: its mode is ${mode}`;
    return { state: "failure", detail, next: `chmod 600 ${path}` };
  }
  const servers = Object.keys(keys).length;
  return ok(`${path}, mode ${mode}, keys of ${servers} server${servers === 1 ? "" : "s"}`);
}

/** Nothing is written: who asks may be somebody else than who works here. */
function checkStateFolder({ env }: NexusContext): Finding {
  const folder = stateFolder(env);
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  if (!statSync(there).isDirectory()) {
    return {
      state: "failure",
      detail: `${there} is no folder`,
      next: "remove it, or name another with XDG_STATE_HOME",
    };
  }
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const detail = `${there} can't be written to, so no pick can be kept: ${(cause as Error).message}`;
    return { state: "failure", detail, next: "make it writable, or name another folder with XDG_STATE_HOME" };
  }
  return ok(there === folder ? folder : `${folder} can be made`);
}

async function checkGit(workspace: Workspace): Promise<Finding> {
  const { checkout, cwd } = workspace;
  if (checkout === undefined) {
    const next = "run commands in your repository, or make it one: git init";
    return { state: "warning", detail: `${cwd} is in no git repository`, next };
  }
  const { root, mainRoot, branch } = checkout;
  const tree = root === mainRoot ? root : `${root}, a worktree of ${mainRoot}`;
  const where = `${tree}, ${branch === "" ? "no branch" : `branch ${branch}`}`;
  try {
    const { exitCode } = await runGit(root, ["rev-parse", "--git-dir"]);
    if (exitCode === 0) return ok(where);
    return { state: "failure", detail: `git does not work in ${where}`, next: `git -C ${root} status` };
  } catch {
    const detail = `${where}; git can't be run, so nothing is known of files, commits and merges`;
    return { state: "warning", detail, next: "install git" };
  }
}

async function checkServer(workspace: Workspace): Promise<Finding> {
  const { server, serverSource, timeoutMs } = workspace;
  const { url } = server;
  const answer = await askServerVersion(url, timeoutMs);
  const named = `${url} (from ${serverSource})`;
  if (answer.kind === "away") {
    return {
      state: "failure",
      detail: `no server answers at ${named}`,
      next: "nexus setup   (or start one: nexus serve)",
    };
  }
  if (answer.kind === "untold") {
    const detail = `what answers at ${named} is no Nexus server, or one older than 0.1.0`;
    return { state: "warning", detail, next: "nexus version" };
  }
  const detail = `${named} is ${answer.version}, this command line ${VERSION}`;
  return answer.fit === "fits" ? ok(detail) : { state: "failure", detail, next: "nexus version" };
}

async function checkKey(client: Client): Promise<Finding> {
  const { engineer, apiKey } = await client.auth.getCurrentEngineer({});
  return ok(`${engineer?.name} <${engineer?.email}>, key nxs_${apiKey?.id}_…${apiKey?.lastFour}`);
}

async function checkProject(client: Client, workspace: Workspace): Promise<Finding> {
  try {
    const projectId = await workspace.projectId();
    const { project } = await client.projects.getProject({ projectId });
    const { link } = workspace;
    const from = link?.link.project === projectId ? link.path : "NEXUS_PROJECT";
    return ok(`${project?.slug} (from ${from})`);
  } catch (error) {
    if (error instanceof NexusError) throw error;
    const { message, next } = error as { readonly message: string; readonly next?: string };
    return { state: "warning", detail: message, next: next ?? "" };
  }
}

async function checkSession(client: Client, context: NexusContext, workspace: Workspace): Promise<Finding> {
  const current = new CurrentSession(context, workspace, undefined);
  const sessionId = await current.findId();
  const found = `found by ${current.foundBy}`;
  if (sessionId === undefined) return ok(`none yet, to be ${found}; the first command that needs one opens it`);
  const projectId = await workspace.projectId();
  const { session } = await client.sessions.getSession({ projectId, sessionId });
  const holding = session?.featureSlug ? `holds ${session.featureSlug}` : "holds nothing";
  const detail = `${sessionId}, ${found}, ${enumWord(SessionState, session?.state ?? SessionState.UNSPECIFIED)}, ${holding}`;
  if (session?.state === SessionState.OPEN) return ok(detail);
  return { state: "warning", detail, next: "nexus status" };
}
