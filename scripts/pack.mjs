// Makes the tarball that `npm install -g` takes, from what `make build` has built: `node scripts/pack.mjs [FOLDER]`.
// Prints its path. The bundles are in it; what they can't hold (argon2's and PostgreSQL's binaries) are optional
// dependencies, which only `nexus serve` needs.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const destination = resolve(process.argv[2] ?? join(root, "dist"));
const bundles = ["cli/dist/nexus.cjs", "cli/dist/keeper.cjs", "server/dist/main.js"];

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

/** The packages whose code is in the bundles. */
function bundledPackages() {
  return [
    ...new Set(bundles.flatMap((bundle) => /** @type {string[]} */ (readJson(`${bundle}.packages.json`)))),
  ].sort();
}

/** Their licences ask to be passed on with the code. */
function thirdPartyNotices() {
  return bundledPackages()
    .map((name) => {
      const { version, license } = readJson(`node_modules/${name}/package.json`);
      const files = readdirSync(join(root, "node_modules", name)).filter((file) => /^(licen[cs]e|notice)/i.test(file));
      const texts = files.map((file) => readFileSync(join(root, "node_modules", name, file), "utf8").trim());
      return [`${name} ${version} (${license})`, ...texts].join("\n\n");
    })
    .join(`\n\n${"=".repeat(80)}\n\n`);
}

function manifest() {
  const { version, license } = readJson("package.json");
  const { dependencies, optionalDependencies } = readJson("server/package.json");
  return {
    name: "@nexus/cli",
    version,
    description: "Keeps coding agents that work on one codebase from editing the same files",
    license,
    // The first 22 with process.getBuiltinModule.
    engines: { node: ">=22.3" },
    bin: { nexus: "cli/bin/nexus.cjs" },
    optionalDependencies: { argon2: dependencies.argon2, ...optionalDependencies },
  };
}

const missing = bundles.filter((bundle) => !existsSync(join(root, bundle)));
if (missing.length > 0) {
  console.error(`pack: ${missing.join(", ")} is not built; run 'make build'`);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "nexus-pack-"));
try {
  // The same places as in the repository: the command line finds the server's bundle beside its own.
  for (const path of [
    "cli/bin/nexus.cjs",
    ...bundles,
    "cli/dist/help.json",
    "server/dist/migrations",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
  ]) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, "server/package.json"), `${JSON.stringify({ type: "module" })}\n`);
  writeFileSync(join(folder, "THIRD_PARTY_NOTICES"), `${thirdPartyNotices()}\n`);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
  mkdirSync(destination, { recursive: true });
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", destination];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
  console.log(join(destination, filename));
} finally {
  rmSync(folder, { recursive: true });
}
