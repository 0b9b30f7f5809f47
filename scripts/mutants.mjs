// `node scripts/mutants.mjs [NAME...]`: changes the claim stores in one place at a time, as a mistake would, and sees
// whether the test that is there for it fails. The sources are changed while they are loaded, never on disk. NAME is how
// a mutant's name begins: `protocol:` are the conditions of the claims protocol.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants.list.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const asked = process.argv.slice(2);
const unknown = asked.filter((start) => !MUTANTS.some(({ name }) => name.startsWith(start)));
if (unknown.length > 0) {
  console.error(`no mutant ${unknown.join(", ")}; there are: ${MUTANTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const mutants = MUTANTS.filter(({ name }) => asked.length === 0 || asked.some((start) => name.startsWith(start)));
const failures = [];
const scratch = mkdtempSync(join(tmpdir(), "nexus-mutants-"));
const report = join(scratch, "report.json");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const files = [...new Set(mutants.map(({ testFile }) => testFile))];
const unmutated = await run(files, undefined, undefined);
const passed = new Set(unmutated.filter(({ status }) => status === "passed").map(({ fullName }) => fullName));
const broken = unmutated.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
console.log(`unmutated: ${passed.size} tests pass, ${broken.length} fail`);
failures.push(...broken.map((name) => `unmutated: ${name} fails`));
if (unmutated.length === 0) failures.push("unmutated: no test was run");

const width = Math.max(...mutants.map(({ name }) => name.length));
console.log(`${"mutant".padEnd(width)} | caught by`);
for (const { name, testFile, test } of mutants) {
  const results = await run([testFile], test, name);
  const caught = results.find(({ status, fullName }) => status === "failed" && fullName.endsWith(test));
  if (caught === undefined) failures.push(`${name}: survives ${JSON.stringify(test)}`);
  else if (!passed.has(caught.fullName)) failures.push(`${name}: ${JSON.stringify(test)} fails without it, too`);
  console.log(`${name.padEnd(width)} | ${caught?.fullName ?? "NOTHING"}`);
}
for (const failure of failures) console.error(`mutants: ${failure}`);
console.log(failures.length === 0 ? `all ${mutants.length} mutants caught` : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);

/**
 * Runs tests and answers what became of each.
 *
 * @param {readonly string[]} testFiles
 * @param {string | undefined} test the end of the test's name; all of them when undefined
 * @param {string | undefined} mutant
 * @returns {Promise<{ fullName: string, status: string }[]>}
 */
async function run(testFiles, test, mutant) {
  const args = [
    "run",
    "--root",
    root,
    "--config",
    "scripts/mutants.config.ts",
    "--reporter",
    "json",
    "--outputFile",
    report,
    ...testFiles,
  ];
  if (test !== undefined) args.push("-t", `${test.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")}$`);
  const child = spawn("vitest", args, {
    cwd: root,
    env: { ...process.env, NEXUS_MUTANT: mutant ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      said += data;
    });
  }
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (!existsSync(report)) throw new Error(`vitest gave no report:\n${said}`);
  const results = JSON.parse(readFileSync(report, "utf8"));
  rmSync(report);
  return results.testResults.flatMap((file) => {
    if (file.assertionResults.length === 0) throw new Error(`${mutant ?? "unmutated"}: ${file.message}`);
    return file.assertionResults.filter(({ status }) => status === "passed" || status === "failed");
  });
}
