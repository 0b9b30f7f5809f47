// Writes what docs/cli.md says of each command, from the commands: `node scripts/cli-docs.mjs [--check]`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, "docs/cli.md");
const BEGIN = "<!-- From here on made from the commands by `make cli-docs`. -->";

const folder = mkdtempSync(join(tmpdir(), "nexus-cli-docs-"));
try {
  const outfile = join(folder, "reference.cjs");
  const banner = { js: 'const nexusImportMetaUrl = require("node:url").pathToFileURL(__filename).href;' };
  const define = { "import.meta.url": "nexusImportMetaUrl" };
  const entryPoints = ["cli/command-reference.ts"];
  await build({
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile,
    banner,
    define,
  });
  const { commandReference } = createRequire(import.meta.url)(outfile);
  const written = readFileSync(page, "utf8");
  const [byHand] = written.split(BEGIN);
  const fresh = `${byHand}${BEGIN}\n\n${await commandReference()}`;
  if (process.argv[2] !== "--check") {
    writeFileSync(page, fresh);
  } else if (fresh !== written) {
    console.error("docs/cli.md is stale: run 'make cli-docs' and commit the result");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
