#!/usr/bin/env node
// Runs the bundle with a compile cache of the user's own. It has to be a file of its own: the cache holds only what is
// loaded after it was switched on. Written for old versions of Node, which it turns away.
"use strict";
const { existsSync } = require("node:fs");
const { isAbsolute, join } = require("node:path");

const bundle = join(__dirname, "..", "dist", "nexus.cjs");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 3)) {
  process.stderr.write(`nexus: Node.js 22.3 or newer is needed; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (!existsSync(bundle)) {
  process.stderr.write("nexus: the command line is not built yet; run `make build`\n");
  process.exitCode = 1;
} else {
  const given = [process.env.XDG_CACHE_HOME, process.env.HOME && join(process.env.HOME, ".cache")];
  const cache = given.find((folder) => folder && isAbsolute(folder));
  const { enableCompileCache } = require("node:module");
  if (enableCompileCache && cache) enableCompileCache(join(cache, "nexus", "compile"));
  require(bundle);
}
