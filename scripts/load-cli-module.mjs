import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const absWorkingDir = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * A module of the command line, bundled and loaded into this process.
 *
 * @param {string} entry its path in the repository
 * @returns {Promise<any>} what it exports
 */
export async function loadCliModule(entry) {
  const folder = mkdtempSync(join(tmpdir(), "nexus-cli-module-"));
  try {
    const outfile = join(folder, "module.cjs");
    const banner = { js: 'const nexusImportMetaUrl = require("node:url").pathToFileURL(__filename).href;' };
    const define = { "import.meta.url": "nexusImportMetaUrl" };
    const entryPoints = [entry];
    await build({ absWorkingDir, entryPoints, bundle: true, platform: "node", format: "cjs", outfile, banner, define });
    return createRequire(import.meta.url)(outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
