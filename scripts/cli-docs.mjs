// Writes what docs/cli.md says of each command, from the commands: `node scripts/cli-docs.mjs [--check]`.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadCliModule } from "./load-cli-module.mjs";

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs/cli.md");
const BEGIN = "<!-- From here on made from the commands by `make cli-docs`. -->";

const { commandReference } = await loadCliModule("cli/command-reference.ts");
const written = readFileSync(page, "utf8");
const [byHand] = written.split(BEGIN);
const fresh = `${byHand}${BEGIN}\n\n${await commandReference()}`;
if (process.argv[2] !== "--check") {
  writeFileSync(page, fresh);
} else if (fresh !== written) {
  console.error("docs/cli.md is stale: run 'make cli-docs' and commit the result");
  process.exitCode = 1;
}
