// Bundles server (also for tests), command line and benchmarks: `node scripts/build.mjs [--watch] [server|testing|model|cli|keeper|bench ...]`.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { loadCliModule } from "./load-cli-module.mjs";
import { MENDED_FILES, mendPostgres } from "./mend-postgres.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const migrations = join(root, "server/storage/postgres/migrations");

// Bundled CommonJS packages call `require` for Node's own modules; an ES module has none.
const requireBanner =
  'import { createRequire as nexusCreateRequire } from "node:module"; const require = nexusCreateRequire(import.meta.url);';

/** @type {import("esbuild").Plugin} */
const mendedPostgres = {
  name: "mended-postgres",
  setup(build) {
    build.onLoad({ filter: MENDED_FILES }, ({ path }) => ({
      contents: mendPostgres(path, readFileSync(path, "utf8")),
    }));
  },
};

/** @type {import("esbuild").BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node22",
  sourcemap: true,
  loader: { ".lua": "text" },
  plugins: [mendedPostgres],
  // A native addon: loaded from node_modules at run time.
  external: ["argon2"],
  logLevel: "warning",
  metafile: true,
};

/**
 * Puts the modules of server/testing/bundle in the place of those of the domain that have the same name.
 *
 * @type {import("esbuild").Plugin}
 */
const testingModules = {
  name: "testing-modules",
  setup(build) {
    const bundle = join(root, "server/testing/bundle");
    build.onResolve({ filter: /\/(failpoint|shortest-lease)\.ts$/ }, ({ path, importer }) =>
      importer.startsWith(join(root, "server/domain/")) ? { path: join(bundle, basename(path)) } : undefined,
    );
  },
};

/** @type {Record<string, () => import("esbuild").BuildOptions>} */
const bundles = {
  server: () => ({
    ...shared,
    entryPoints: ["server/main.ts"],
    outfile: "server/dist/main.js",
    format: "esm",
    banner: { js: requireBanner },
    // Leaves nothing of calls of empty functions, such as `failpoint("pick.after-commit")`.
    minifySyntax: true,
  }),
  // The same server for tests: failpoints do what they are told to, leases may be short. Never packed.
  testing: () => ({
    ...shared,
    entryPoints: ["server/testing/bundle/main.ts"],
    outfile: "server/dist/main.testing.js",
    format: "esm",
    banner: { js: requireBanner },
    plugins: [mendedPostgres, testingModules],
  }),
  // The claims protocol as a model, to be looked at by `make model`.
  model: () => ({
    ...shared,
    entryPoints: ["server/model/main.ts"],
    outfile: "server/model/dist/main.js",
    format: "esm",
  }),
  cli: () => ({
    ...shared,
    entryPoints: ["cli/main.ts"],
    outfile: "cli/dist/nexus.cjs",
    format: "cjs",
    // The one that CommonJS lacks.
    define: { "import.meta.url": "nexusImportMetaUrl" },
    banner: { js: 'const nexusImportMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  }),
  // A program of its own: it stays in memory, and needs little of the command line.
  keeper: () => ({
    ...shared,
    entryPoints: ["cli/keeper/main.ts"],
    outfile: "cli/dist/keeper.cjs",
    format: "cjs",
  }),
  bench: () => ({
    ...shared,
    entryPoints: readdirSync(join(root, "bench"))
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith(".d.ts"))
      .map((name) => join("bench", name))
      .sort(),
    outdir: "bench/dist",
    format: "esm",
    banner: { js: requireBanner },
  }),
};

const args = process.argv.slice(2);
const watching = args.includes("--watch");
const named = args.filter((arg) => arg !== "--watch");
const unknown = named.filter((name) => !(name in bundles));
if (unknown.length > 0) {
  fail(`no bundle ${unknown.join(", ")}; there are ${Object.keys(bundles).join(", ")}`);
}

for (const name of named.length > 0 ? named : Object.keys(bundles)) {
  const options = bundles[name]();
  const entries = /** @type {string[]} */ (options.entryPoints);
  const missing = entries.filter((entry) => !existsSync(join(root, entry)));
  if (entries.length === 0 || missing.length > 0) {
    fail(`${name}: ${missing.join(", ") || "bench/*.ts"} is missing`);
  }
  // What is built beside another bundle leaves that alone.
  if (!watching && name !== "testing" && name !== "keeper") {
    rmSync(join(root, options.outdir ?? dirname(options.outfile)), { recursive: true, force: true });
  }
  const build = await context(options);
  try {
    const { metafile } = await build.rebuild();
    if (options.outfile !== undefined) writePackages(`${options.outfile}.packages.json`, metafile);
  } catch {
    // esbuild has printed what is wrong; while watching, the next save may mend it.
    if (!watching) {
      process.exit(1);
    }
  }
  if (name === "server" || name === "testing") {
    copyMigrations();
  }
  if (name === "cli") {
    // While watching there is none, so that help says what a command takes as it is now.
    rmSync(join(root, "cli/dist/help.json"), { force: true });
  }
  if (name === "cli" && !watching) {
    const { describeCommands } = await loadCliModule("cli/describe-command.ts");
    writeFileSync(join(root, "cli/dist/help.json"), JSON.stringify(await describeCommands()));
  }
  if (watching) {
    await build.watch();
  } else {
    await build.dispose();
    console.log(`built ${options.outfile ?? `${options.outdir}/{${entries.map((e) => basename(e, ".ts"))}}.js`}`);
  }
}

if (watching && existsSync(migrations)) {
  watch(migrations, { recursive: true }, copyMigrations);
}

/**
 * Notes whose code is in a bundle: their licences have to go where it goes.
 *
 * @param {string} path
 * @param {import("esbuild").Metafile} metafile
 */
function writePackages(path, { outputs }) {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const names = inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  const packages = [...new Set(names.filter((name) => name !== undefined))].sort();
  writeFileSync(join(root, path), `${JSON.stringify(packages, null, 2)}\n`);
}

/** The server reads them beside its own file, in the sources as in the bundle. */
function copyMigrations() {
  const target = join(root, "server/dist/migrations");
  rmSync(target, { recursive: true, force: true });
  if (!existsSync(migrations)) {
    fail("server/storage/postgres/migrations is missing");
  }
  cpSync(migrations, target, { recursive: true });
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}
