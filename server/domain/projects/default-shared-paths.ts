/**
 * Files at the root of a repository that many features change and that merge, or are generated again, without harm.
 * Manifests such as package.json are not among them: two features that change one may well contradict each other.
 */
export const DEFAULT_SHARED_PATHS: readonly string[] = [
  "CHANGELOG.md",
  "CHANGES.md",
  "HISTORY.md",
  "Cargo.lock",
  "Gemfile.lock",
  "Package.resolved",
  "Pipfile.lock",
  "bun.lock",
  "bun.lockb",
  "composer.lock",
  "deno.lock",
  "flake.lock",
  "go.sum",
  "gradle.lockfile",
  "mix.lock",
  "npm-shrinkwrap.json",
  "package-lock.json",
  "packages.lock.json",
  "pdm.lock",
  "pnpm-lock.yaml",
  "poetry.lock",
  "pubspec.lock",
  "uv.lock",
  "yarn.lock",
];
