import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vitest/config";
import { MENDED_FILES, mendPostgres } from "./scripts/mend-postgres.mjs";

/** `import source from "./pick.lua"` is the script's text, here as in the esbuild bundle. */
const luaAsText: Plugin = {
  name: "lua-as-text",
  enforce: "pre",
  load(id) {
    return id.endsWith(".lua") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))};` : undefined;
  },
};

/** The driver as the bundles have it. */
const mendedPostgres: Plugin = {
  name: "mended-postgres",
  enforce: "pre",
  transform: (code, id) => (MENDED_FILES.test(id) ? mendPostgres(id, code) : undefined),
};

/** Where a machine reads how the run went (.ci/run); people read the terminal. */
const report = process.env["NEXUS_TEST_REPORT"];
const folders = "{server,clients,cli,bench}";

export default defineConfig({
  plugins: [luaAsText, mendedPostgres],
  test: {
    server: { deps: { inline: ["postgres"] } },
    pool: "forks",
    maxWorkers: 2,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // Bounds for a loaded machine; no test waits for them.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [`${folders}/**/*.test.ts`],
          exclude: ["**/*.integration.test.ts", "**/node_modules/**", "**/dist/**"],
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: [`${folders}/**/*.integration.test.ts`],
          exclude: ["**/node_modules/**", "**/dist/**"],
          globalSetup: ["server/testing/global-setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "crash-matrix",
          include: ["server/testing/crash-matrix/*.matrix.ts"],
          globalSetup: ["server/testing/global-setup.ts"],
          testTimeout: 900_000,
        },
      },
    ],
  },
});
