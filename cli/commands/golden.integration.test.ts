import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratchDir, type ScratchDir } from "../../server/testing/scratch-dir.ts";
import { startNexus } from "../../server/testing/start-nexus.ts";
import { COMMANDS } from "../command-table.ts";
import { findCommand } from "../find-command.ts";
import { cleanLine } from "../output/clean-text.ts";
import { MARK, type Plan } from "../testing/golden-driver.ts";
import { FILES, NOT_TOLD, type Step, story } from "../testing/golden-story.ts";

// What every command prints, as a person or a program gets it. After a change that is meant: `make golden`, and read
// the difference before it is committed.

const CLI = dirname(dirname(fileURLToPath(import.meta.url)));
/** Three minutes after the server's clock, which stands still. */
const NOW_MS = Date.parse("2026-01-01T00:03:00Z");
const MINUTE_MS = 60_000;

let scratch: ScratchDir;
let driver = "";

beforeAll(async () => {
  scratch = await createScratchDir();
  driver = join(scratch.path, "driver.cjs");
  await build({
    entryPoints: [join(CLI, "testing", "golden-driver.ts")],
    outfile: driver,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
});

afterAll(() => scratch?.remove());

/** How the commands are run. */
interface Form {
  readonly name: string;
  /** Columns of the terminal; undefined for pipes. */
  readonly columns?: number;
  readonly json?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

interface Output {
  readonly exitCode: string;
  readonly stdout: string;
  readonly stderr: string;
}

const transcripts = new Map<string, Promise<string>>();

/** What the whole story prints in a form; told once. */
function transcriptOf(form: Form): Promise<string> {
  const told = transcripts.get(form.name) ?? transcript(form);
  transcripts.set(form.name, told);
  return told;
}

async function transcript({ name, columns, json = false, env = {} }: Form): Promise<string> {
  const { url, advance } = await startNexus("embedded");
  const folder = join(scratch.path, name);
  const repository = join(folder, "repository");
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  execFileSync("git", ["init", "-q", "-b", "trunk", repository], { env: { ...process.env, HOME: folder } });
  const plan = join(folder, "plan.json");
  const told: string[] = [];
  let nowMs = NOW_MS;
  for (const part of story()) {
    const steps = part.map(({ as, args, until }) => ({
      args: json ? [...args, "--json"] : args,
      until,
      cwd: repository,
      env: { ...person(folder, as), NEXUS_URL: url },
    }));
    writeFileSync(plan, JSON.stringify({ nowMs, host: "workshop", steps } satisfies Plan));
    const outputs = await drive(plan, columns, { PATH: process.env["PATH"] ?? "", TERM: "xterm", TZ: "UTC", ...env });
    told.push(...part.map((step, at) => formatStep(step, outputs[at])));
    await advance(MINUTE_MS);
    nowMs += MINUTE_MS;
  }
  return normalised(told.join("\n"), { folder, url });
}

function person(folder: string, as: Step["as"]): Record<string, string> {
  const home = join(folder, as.slice(0, 3));
  const agent = as === "ben" ? "CODEX_THREAD_ID" : "CLAUDE_CODE_SESSION_ID";
  const folders = { XDG_CONFIG_HOME: join(home, "config"), XDG_STATE_HOME: join(home, "state") };
  // A process that renews the session would outlive the story.
  return { HOME: home, NEXUS_KEEPER: "off", ...folders, [agent]: `${as}-1` };
}

/** Runs the driver, in a terminal of util-linux's `script` or over pipes, and answers what each step printed. */
async function drive(plan: string, columns: number | undefined, env: Record<string, string>): Promise<Output[]> {
  const node = process.execPath;
  const command = `stty cols ${columns} rows 50; exec "${node}" "${driver}" "${plan}"`;
  const child =
    columns === undefined
      ? spawn(node, [driver, plan], { env, stdio: ["ignore", "pipe", "pipe"] })
      : spawn("script", ["-qefc", command, "/dev/null"], { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  if (exitCode !== 0)
    throw new Error(`the driver ended with ${exitCode}: ${output.stderr}${output.stdout.slice(-2_000)}`);
  const marked = (text: string) => text.replaceAll("\r\n", "\n").split(MARK);
  const errors = marked(output.stderr);
  const printed = marked(output.stdout);
  // Text and exit code take turns, and after the last mark there is nothing.
  return Array.from({ length: (printed.length - 1) / 2 }, (_, at) => ({
    stdout: printed[2 * at] ?? "",
    exitCode: printed[2 * at + 1] ?? "",
    stderr: errors[2 * at] ?? "",
  }));
}

function formatStep({ as, args }: Step, output: Output | undefined): string {
  const words = args.map((word) => (/^[\w@./:=,-]+$/.test(word) ? word : `'${word}'`));
  const { stdout = "", stderr = "", exitCode = "?" } = output ?? {};
  const errors = stderr === "" ? "" : `--- stderr\n${stderr}`;
  const code = exitCode === "0" ? "" : `--- exit ${exitCode}\n`;
  return `${as}$ nexus ${cleanLine(words.join(" "))}\n${visible(stdout + errors)}${code}`;
}

/** Escapes in a form that can be read and compared. */
function visible(text: string): string {
  return text.replaceAll("\u001b", "␛").replaceAll("\r", "␍\n");
}

/** The same text whatever ids, keys, ports and folders a run was given; replaced by what is as long. */
function normalised(text: string, { folder, url }: { readonly folder: string; readonly url: string }): string {
  const ids = new Map<string, string>();
  const numbered = (id: string, form: (count: string) => string) => {
    const known = ids.get(id) ?? form(String(ids.size + 1));
    ids.set(id, known);
    return known;
  };
  let told = text.replaceAll(folder, "/home").replaceAll(url, "http://127.0.0.1:40000");
  for (const [, id = "", secret = ""] of told.matchAll(/nxs_(\w{12})_(\w{38})/g)) {
    told = told
      .replaceAll(secret, "x".repeat(38))
      .replaceAll(
        id,
        numbered(id, (count) => `KEY${count.padStart(9, "0")}`),
      )
      .replace(new RegExp(`\\b${secret.slice(-4)}\\b`, "g"), "xxxx");
  }
  return told
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
      numbered(id, (count) => `00000000-0000-4000-8000-${count.padStart(12, "0")}`),
    )
    .replace(/("etag":")[^"]*/g, "$1…");
}

test("the story has every command in it", () => {
  const told = story()
    .flat()
    .flatMap(({ args }) => {
      try {
        const asked = findCommand(args);
        return asked.kind === "command" ? [asked.entry] : [];
      } catch {
        return [];
      }
    });
  const untold = COMMANDS.filter((entry) => !told.includes(entry)).map(({ words }) => words.join(" "));

  expect(untold.sort()).toEqual(Object.keys(NOT_TOLD).sort());
});

const USUAL: Form = { name: "terminal-80", columns: 80 };

test.each<Form>([USUAL, { name: "terminal-200", columns: 200 }, { name: "pipe" }, { name: "json", json: true }])(
  "what is printed is what was agreed: $name",
  async (form) => {
    await expect(await transcriptOf(form)).toMatchFileSnapshot(`../golden/${form.name}.txt`);
  },
);

test("without colour the same is printed", async () => {
  const colored = await transcriptOf(USUAL);
  const plain = await transcriptOf({ name: "no-color", columns: 80, env: { NO_COLOR: "1" } });

  expect(colored).toContain("␛[");
  expect(plain).toBe(colored.replace(/␛\[\d+m/g, ""));
});
