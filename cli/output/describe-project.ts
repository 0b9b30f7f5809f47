import { type Project, Role } from "@nexus/gen/nexus/v1/project_pb";
import { enumWord } from "./enum-words.ts";
import { formatFields } from "./fields.ts";
import { relativeTime } from "./relative-time.ts";
import { formatSpan } from "./spans.ts";
import type { Terminal } from "./terminal.ts";

/** A project with its settings, and what the caller may do in it. */
export function formatProject(
  project: Project | undefined,
  role: Role | undefined,
  { terminal, now }: { readonly terminal: Terminal; readonly now: Date },
): string {
  if (project === undefined) return "";
  const { settings } = project;
  return formatFields(
    [
      ["project", project.slug],
      ["name", project.name],
      ["id", project.id],
      ["you are", role === undefined ? "" : enumWord(Role, role)],
      ["created", relativeTime(project.createTime, now)],
      ["session ttl", formatSpan(settings?.sessionTtl)],
      ["lock delay", formatSpan(settings?.lockDelay)],
      ["shared paths", settings?.sharedPaths.join("  ") ?? ""],
      ["case", settings?.caseSensitive ? "distinguishes files" : "does not distinguish files"],
    ],
    terminal,
  );
}
