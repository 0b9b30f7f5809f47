import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vitest/config";
import { MUTANTS } from "./mutants.list.mjs";

/** The mutant that this run is about; none for the run that has to pass. */
const mutant = MUTANTS.find(({ name }) => name === process.env["NEXUS_MUTANT"]);

/** Gives the tests the sources with one place changed. The files stay as they are. */
const mutate: Plugin = {
  name: "mutate",
  enforce: "pre",
  load(id) {
    const changed = mutant !== undefined && id.endsWith(mutant.file);
    if (!changed && !id.endsWith(".lua")) return undefined;
    const source = readFileSync(id, "utf8");
    const text = changed ? replaceOnce(source, mutant.find, mutant.replace) : source;
    return id.endsWith(".lua") ? `export default ${JSON.stringify(text)};` : text;
  },
};

function replaceOnce(source: string, find: string, replace: string): string {
  if (source.split(find).length !== 2) throw new Error(`the mutant does not fit its source: ${find}`);
  return source.replace(find, () => replace);
}

/** The claim stores need none, which makes their many runs short. */
const needsDatabase = !mutant?.testFile.startsWith("server/storage/");

export default defineConfig({
  plugins: [mutate],
  test: {
    include: ["server/**/*.test.ts"],
    globalSetup: [needsDatabase ? "server/testing/global-setup.ts" : "server/testing/redis-only-setup.ts"],
    // It would give one mutant what was loaded for another.
    fsModuleCache: false,
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
  },
});
