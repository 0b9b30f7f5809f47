import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vitest/config";

/** `import source from "./pick.lua"` is the script's text, here as in the esbuild bundle. */
const luaAsText: Plugin = {
  name: "lua-as-text",
  enforce: "pre",
  load(id) {
    return id.endsWith(".lua") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))};` : undefined;
  },
};

/** Where a machine reads how the run went (.ci/run); people read the terminal. */
const report = process.env["NEXUS_TEST_REPORT"];
const folders = "{server,clients,cli,bench}";

export default defineConfig({
  plugins: [luaAsText],
  test: {
    pool: "forks",
    maxWorkers: 2,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // Bounds for a loaded machine; no test waits for them.
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
    ],
  },
});
