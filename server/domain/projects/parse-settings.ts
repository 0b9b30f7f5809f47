import type { FieldParser } from "../field-parser.ts";
import { parsePattern } from "../paths/parse-pattern.ts";
import { PathProblem } from "../paths/path-problem.ts";
import { DEFAULT_SHARED_PATHS } from "./default-shared-paths.ts";
import type { ProjectSettings } from "./project.ts";
import { SHORTEST_LEASE_MS } from "./shortest-lease.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const DEFAULT_SESSION_TTL_MS = 5 * MINUTE_MS;
const DEFAULT_LOCK_DELAY_MS = 15 * SECOND_MS;
const MAX_SHARED_PATHS = 200;

/** Settings as a caller writes them; an undefined span has its default. */
export interface GivenSettings {
  readonly sessionTtlMs: number | undefined;
  readonly lockDelayMs: number | undefined;
  readonly sharedPaths: readonly string[];
  readonly caseSensitive: boolean;
}

/** Parses the settings of a request, or answers the defaults. `field` is where they stand in it. */
export function parseSettings(fields: FieldParser, field: string, given: GivenSettings | undefined): ProjectSettings {
  const sharedPaths = given === undefined ? DEFAULT_SHARED_PATHS : given.sharedPaths;
  return {
    sessionTtlMs: fields.spanMs(
      `${field}.session_ttl`,
      given?.sessionTtlMs,
      SHORTEST_LEASE_MS,
      24 * HOUR_MS,
      DEFAULT_SESSION_TTL_MS,
    ),
    lockDelayMs: fields.spanMs(`${field}.lock_delay`, given?.lockDelayMs, 0, 10 * MINUTE_MS, DEFAULT_LOCK_DELAY_MS),
    sharedPaths: parseSharedPaths(fields, `${field}.shared_paths`, sharedPaths),
    caseSensitive: given?.caseSensitive ?? false,
  };
}

function parseSharedPaths(fields: FieldParser, field: string, paths: readonly string[]): readonly string[] {
  fields.atMost(field, paths, MAX_SHARED_PATHS);
  const normal = paths.slice(0, MAX_SHARED_PATHS).map((path, index) => {
    // The normal form of a literal does not depend on how it is compared.
    const pattern = parsePattern(path, { caseSensitive: true });
    if (pattern instanceof PathProblem) fields.rejectPath(`${field}[${index}]`, pattern.description);
    else if (pattern.alternatives.every((alternative) => alternative.tree)) return pattern.text;
    else fields.rejectPath(`${field}[${index}]`, "must be a literal path, without wildcards: name the file itself");
    return path;
  });
  return [...new Set(normal)];
}
