// `make model`: looks at every state of every scope. `make model MUTANT="NAME…"`: hunts some mutants, `make model-mutants`
// all.
import { explore, type Found } from "./explore.ts";
import { LARGE } from "./large-scopes.ts";
import { MUTANTS, type Mutant, scopeOf } from "./mutants.ts";
import { HUNTING, SMALL } from "./scopes.ts";
import type { Scope } from "./state.ts";

const wanted = process.argv.slice(2);
const unknown = wanted.filter((asked) => asked !== "all-mutants" && !MUTANTS.some(({ name }) => name === asked));
if (unknown.length > 0) {
  console.error(`model: no mutant ${unknown.join(", ")}; there are ${MUTANTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const mutants = MUTANTS.filter(({ name }) => wanted.includes(name) || wanted.includes("all-mutants"));
process.exit((wanted.length === 0 ? lookAtAll() : huntAll(mutants)) ? 0 : 1);

function lookAtAll(): boolean {
  let states = 0;
  for (const scope of [...SMALL, ...HUNTING, ...LARGE]) {
    const { found, seconds } = timed(scope);
    states += found.states;
    console.log(`${describe(scope)}: ${found.states} states, ${found.moves} moves, depth ${found.depth}, ${seconds} s`);
    if (found.violation === undefined) continue;
    printTrace(found);
    return false;
  }
  console.log(`every promise is kept in all ${states} states`);
  return true;
}

function huntAll(hunted: readonly Mutant[]): boolean {
  let caught = true;
  for (const mutant of hunted) {
    const scope = scopeOf(mutant);
    const { found, seconds } = timed(scope);
    console.log(`${mutant.name} (${mutant.lacks}), in ${describe(scope)}: ${found.states} states, ${seconds} s`);
    if (found.violation === undefined) console.log("  SURVIVES");
    else printTrace(found);
    caught &&= found.violation !== undefined;
  }
  console.log(caught ? `all ${hunted.length} mutants caught` : "not every mutant was caught");
  return caught;
}

function timed(scope: Scope): { found: Found; seconds: string } {
  const start = performance.now();
  const found = explore(scope);
  return { found, seconds: ((performance.now() - start) / 1000).toFixed(1) };
}

/** "retries [1 feature, 2 sessions, 2 servers, 3 claims; 2 calls, 1 retries]" */
function describe({ name, features, sessions, servers, claims, budgets }: Scope): string {
  const bounds = Object.entries(budgets).map(([what, most]) => `${most} ${what}`);
  const sizes = `${features.length} features, ${sessions} sessions, ${servers} servers, ${claims} claims`;
  return `${name} [${sizes}; ${bounds.join(", ")}]`;
}

function printTrace({ violation, trace }: Found): void {
  for (const [step, what] of trace.entries()) console.log(`  ${String(step + 1).padStart(3)}. ${what}`);
  console.log(`  VIOLATED: ${violation}`);
}
