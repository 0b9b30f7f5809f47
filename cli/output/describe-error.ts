import type { NexusError } from "@nexus/client";
import { BadRequestSchema, ResourceInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import {
  ClaimConflictSchema,
  DependenciesUnmetSchema,
  FeatureAlreadyHeldSchema,
  FencingTokenStaleSchema,
  NothingAvailableSchema,
  SessionBusySchema,
  SessionExpiredSchema,
  StatusTransitionInvalidSchema,
} from "@nexus/gen/nexus/v1/error_details_pb";
import { FeatureStatus } from "@nexus/gen/nexus/v1/feature_pb";
import { cleanBlock, cleanLine } from "./clean-text.ts";
import { enumWord } from "./enum-words.ts";
import { describeHolder, formatBlocked, formatConflict, type RefusalView } from "./refusal.ts";

/** What is known of the command that failed; nothing where it failed before that was known. */
export interface FailureContext {
  /** The feature that was asked for. */
  readonly subject?: string;
  /** The command to run after a conflict, where another feature is no help. */
  readonly next?: string;
  /** The file in which what was typed is kept, and the command that takes it up again. */
  readonly kept?: { readonly path: string; readonly command: string };
  /** The session that was named on the command line. */
  readonly session?: string;
  /** Who named the server's address. */
  readonly serverSource?: string;
  /** The repository's link, where it is for another server than the one that was asked. */
  readonly foreignLink?: string;
}

/** How a failure is told. */
export type FailureView = RefusalView & FailureContext;

/** A failed call in words: what happened, what the details say, and the command to run next. Ends with a line break. */
export function describeError(error: NexusError, view: FailureView): string {
  const conflict = error.detail(ClaimConflictSchema);
  if (conflict !== undefined) return formatConflict(conflict, view);
  const { sentence = cleanBlock(error.message), lines = [], next } = explain(error, view);
  const told = [sentence, ...lines.map((line) => `  ${line}`)];
  return `${[...told, ...(next === undefined ? [] : [`next: ${next}`])].join("\n")}\n`;
}

interface Explanation {
  /** In place of the server's own, where the lines say the same in more detail. */
  readonly sentence?: string;
  readonly lines?: readonly string[];
  readonly next?: string;
}

function explain(error: NexusError, view: FailureView): Explanation {
  switch (error.reason) {
    case "FEATURE_ALREADY_HELD": {
      const holder = error.detail(FeatureAlreadyHeldSchema)?.holder;
      const lines = holder === undefined ? [] : [describeHolder(holder, view)];
      const slug = cleanLine(holder?.featureSlug ?? view.subject ?? "");
      const sentence = `${slug || "it"} is held`;
      return {
        sentence,
        lines,
        next: `nexus feature available   (if that is you elsewhere: nexus pick ${slug} --take-over)`,
      };
    }
    case "SESSION_BUSY": {
      const slug = error.detail(SessionBusySchema)?.featureSlug ?? "";
      return { next: `nexus done ${cleanLine(slug)}   (or give it back: nexus feature release ${cleanLine(slug)})` };
    }
    case "NOTHING_AVAILABLE": {
      const blocked = error.detail(NothingAvailableSchema)?.blocked ?? [];
      return { lines: formatBlocked(blocked, view), next: "nexus feature available --blocked" };
    }
    case "FENCING_TOKEN_STALE": {
      const stale = error.detail(FencingTokenStaleSchema);
      if (stale === undefined) return { next: "nexus feature list" };
      return {
        sentence: `this session does not hold ${cleanLine(stale.featureSlug)} any more; stop working on it`,
        lines: [`it is ${enumWord(FeatureStatus, stale.status)} now`],
        next: `nexus feature show ${cleanLine(stale.featureSlug)}`,
      };
    }
    case "SESSION_EXPIRED": {
      const expired = error.detail(SessionExpiredSchema);
      const lost = cleanLine(expired?.lostFeatureSlug ?? "");
      const files = (expired?.lostTouches ?? []).map(({ path }) => cleanLine(path));
      if (lost === "") return { next: "run the command again: a new session is opened" };
      const freed = files.length === 0 ? "" : ` and its files: ${files.join(", ")}`;
      return { lines: [`it lost ${lost}${freed}`], next: `nexus pick ${lost}` };
    }
    case "STATUS_TRANSITION_INVALID": {
      const invalid = error.detail(StatusTransitionInvalidSchema);
      const isDraft = invalid?.from === FeatureStatus.DRAFT && invalid.asked === FeatureStatus.ACTIVE;
      const slug = cleanLine(invalid?.featureSlug ?? "");
      return { next: isDraft ? `nexus feature ready ${slug}` : `nexus feature show ${slug}` };
    }
    case "DEPENDENCIES_UNMET": {
      const unmet = error.detail(DependenciesUnmetSchema)?.unmet ?? [];
      const lines = unmet.map(({ slug, status }) => `${cleanLine(slug)} is ${enumWord(FeatureStatus, status)}`);
      const sentence = `${view.subject ? cleanLine(view.subject) : "it"} depends on what is not done yet`;
      return { ...(lines.length === 0 ? {} : { sentence, lines }), next: "nexus feature available" };
    }
    case "REQUEST_INVALID":
    case "PATH_INVALID": {
      const violations = error.detail(BadRequestSchema)?.fieldViolations ?? [];
      // The server's sentence names them as well, as a rule; what it names is not said twice.
      const untold = violations.filter(({ description }) => !error.message.includes(description));
      return { lines: untold.map(({ field, description }) => `${cleanLine(field)}: ${cleanLine(description)}`) };
    }
    case "CREDENTIALS_INVALID":
      return { next: "nexus login --token -   (the key is read from stdin)" };
    case "SERVER_UNREACHABLE":
    case "DEADLINE_EXCEEDED":
    case "ANSWER_UNRECOGNISED":
      return {
        lines: view.serverSource === undefined ? [] : [`the address comes from ${cleanLine(view.serverSource)}`],
        next: "start one with 'nexus serve', or name another with NEXUS_URL or 'nexus login --server <url>'",
      };
    case "RESOURCE_NOT_FOUND": {
      const isProject = error.detail(ResourceInfoSchema)?.resourceType === "project";
      if (!isProject || view.foreignLink === undefined) return {};
      return {
        lines: [`the project comes from ${cleanLine(view.foreignLink)}, which is for another server`],
        next: "nexus project use <project>",
      };
    }
    case "STORE_UNAVAILABLE":
    case "CLAIMS_RECOVERING":
      return { next: "run the command again in a moment" };
    default:
      // An older server lacks a method that this command line calls.
      return error.code === "unimplemented" ? { next: "nexus version" } : {};
  }
}
