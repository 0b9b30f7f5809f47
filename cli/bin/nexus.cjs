#!/usr/bin/env node
// Runs the bundle with a cache of what was compiled of it. Node's own compile cache is made before anything has run, so
// it lacks most functions; this one is made when a command has ended. Written for old versions of Node, which it turns
// away.
"use strict";
const {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { dirname, isAbsolute, join } = require("node:path");

const UNUSED_AFTER_MS = 30 * 24 * 3600000;

const bundle = join(__dirname, "..", "dist", "nexus.cjs");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 3)) {
  process.stderr.write(`nexus: Node.js 22.3 or newer is needed; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (!existsSync(bundle)) {
  process.stderr.write("nexus: the command line is not built yet; run `make build`\n");
  process.exitCode = 1;
} else {
  run();
}

function run() {
  const { Script, constants } = require("node:vm");
  const path = cachePath();
  const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(bundle, "utf8")}\n})`;
  const script = new Script(source, {
    filename: bundle,
    cachedData: readCache(path),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  // Answers undefined where there was none.
  if (path !== undefined && script.cachedDataRejected !== false) {
    process.on("exit", (code) => {
      if (code === 0 && hasWorked(process.argv.slice(2))) writeCache(path, script.createCachedData());
    });
  }
  const module_ = { exports: {} };
  script.runInThisContext()(module_.exports, require, module_, bundle, dirname(bundle));
}

/** Of this very file: V8 itself looks at nothing but its length, and at its own version. */
function cachePath() {
  const given = [process.env.XDG_CACHE_HOME, process.env.HOME && join(process.env.HOME, ".cache")];
  const folder = given.find((each) => each && isAbsolute(each));
  if (!folder) return undefined;
  const { ino, size, ctimeMs } = statSync(bundle);
  return join(folder, "nexus", "compile", `${[ino, size, ctimeMs, process.versions.node].join("-")}.bin`);
}

function readCache(path) {
  try {
    return path && readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Whether most of what commands need has been compiled by now. */
function hasWorked(args) {
  const [first = "--help"] = args;
  return !/^-|^(help|version|completion|serve)$/.test(first) && !args.includes("--help") && !args.includes("-h");
}

/** A command does not fail because there is no room for a cache. */
function writeCache(path, data) {
  const folder = dirname(path);
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      const old = statSync(join(folder, name), { throwIfNoEntry: false });
      if (old && Date.now() - old.mtimeMs > UNUSED_AFTER_MS)
        rmSync(join(folder, name), { recursive: true, force: true });
    }
    writeFileSync(draft, data, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch {
    try {
      rmSync(draft, { force: true });
    } catch {
      // The folder can't be written to at all.
    }
  }
}
