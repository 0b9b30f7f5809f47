import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type MemberSchema,
  type ProjectSchema,
  type ProjectSettingsSchema,
  Role as ProtoRole,
  type ProjectSettings as ProtoSettings,
} from "@nexus/gen/nexus/v1/project_pb";
import type { UpdateProjectRequest } from "@nexus/gen/nexus/v1/project_service_pb";
import { type FieldParser, slugFrom } from "../../domain/field-parser.ts";
import type { ProjectId, Slug } from "../../domain/ids.ts";
import type { ProjectName } from "../../domain/projects/find-project.ts";
import { type GivenSettings, parseSettings } from "../../domain/projects/parse-settings.ts";
import type { Member, Project, ProjectSettings, Role } from "../../domain/projects/project.ts";
import type { ProjectListKey } from "../../domain/projects/project-store.ts";
import { etagOf, type UpdateProjectRequest as ProjectUpdate } from "../../domain/projects/update-project.ts";
import { parseUpdateMask } from "../field-mask.ts";
import { engineerToProto } from "./engineer.ts";
import { spanFromProto, spanToProto, timeToProto } from "./time.ts";

const ROLES: Record<Role, ProtoRole> = { member: ProtoRole.MEMBER, owner: ProtoRole.OWNER };
const MAX_NAME = 200;

/** A codebase, for the wire. */
export function projectToProto(project: Project): MessageInitShape<typeof ProjectSchema> {
  return {
    id: project.id,
    slug: project.slug,
    name: project.name,
    settings: settingsToProto(project.settings),
    etag: etagOf(project),
    createTime: timeToProto(project.createTime),
  };
}

function settingsToProto(settings: ProjectSettings): MessageInitShape<typeof ProjectSettingsSchema> {
  return {
    sessionTtl: spanToProto(settings.sessionTtlMs),
    lockDelay: spanToProto(settings.lockDelayMs),
    sharedPaths: [...settings.sharedPaths],
    caseSensitive: settings.caseSensitive,
  };
}

/** Settings as they were written. */
export function settingsFromProto(settings: ProtoSettings | undefined): GivenSettings | undefined {
  return (
    settings && {
      sessionTtlMs: spanFromProto(settings.sessionTtl),
      lockDelayMs: spanFromProto(settings.lockDelay),
      sharedPaths: settings.sharedPaths,
      caseSensitive: settings.caseSensitive,
    }
  );
}

/** An engineer in a project, for the wire. */
export function memberToProto(member: Member): MessageInitShape<typeof MemberSchema> {
  return {
    engineer: engineerToProto(member.engineer),
    role: roleToProto(member.role),
    createTime: timeToProto(member.createTime),
  };
}

/** A role, for the wire. */
export function roleToProto(role: Role): ProtoRole {
  return ROLES[role];
}

/** A role; `unsaid` is what it means not to say one, undefined where one has to be said. */
export function roleFromProto(fields: FieldParser, field: string, role: ProtoRole, unsaid: Role | undefined): Role {
  if (role === ProtoRole.MEMBER) return "member";
  if (role === ProtoRole.OWNER) return "owner";
  if (role === ProtoRole.UNSPECIFIED && unsaid !== undefined) return unsaid;
  fields.reject(field, "is required: ROLE_MEMBER or ROLE_OWNER");
  return "member";
}

/** The name of a project for people. */
export function projectNameFromProto(fields: FieldParser, field: string, name: string): string {
  return fields.line(field, name, 1, MAX_NAME);
}

/** The slug and name of a new project: each stands in for the other. */
export function slugAndNameFromProto(fields: FieldParser, given: { readonly slug: string; readonly name: string }) {
  const slug = given.slug === "" ? slugFrom(given.name) : given.slug;
  if (slug === "" && given.name.trim() !== "") {
    fields.reject("slug", `can't be derived from the name ${JSON.stringify(given.name.slice(0, 80))}; give one`);
  } else fields.slug("slug", slug);
  return {
    slug: slug as Slug,
    name: projectNameFromProto(fields, "name", given.name.trim() === "" ? slug : given.name),
  };
}

/** A project by its id or its slug. */
export function projectNameOf(
  fields: FieldParser,
  given: { readonly projectId: string; readonly slug: string },
): ProjectName {
  if (given.projectId !== "" && given.slug !== "")
    fields.reject("slug", "is given beside project_id; give one of them");
  if (given.projectId === "" && given.slug === "") fields.reject("project_id", "is required, or slug");
  if (given.projectId !== "") return { id: fields.id<ProjectId>("project_id", given.projectId) };
  return { slug: given.slug === "" ? ("" as Slug) : fields.slug("slug", given.slug) };
}

const UPDATABLE = [
  "name",
  "slug",
  "settings",
  "settings.session_ttl",
  "settings.lock_delay",
  "settings.shared_paths",
] as const;

/** The changes of an update. Whole `settings` set back to its default what they leave out, but for `case_sensitive`. */
export function projectUpdateFromProto(
  fields: FieldParser,
  request: UpdateProjectRequest,
): Pick<ProjectUpdate, "slug" | "name" | "settings"> {
  const mask = parseUpdateMask(fields, request.updateMask, UPDATABLE);
  const { project } = request;
  if (project === undefined && mask.size > 0) fields.reject("project", "is required: the new values");
  const given = settingsFromProto(project?.settings);
  const settings = parseSettings(fields, "project.settings", given ?? NO_SETTINGS);
  const whole = mask.has("settings");
  return {
    name: mask.has("name") ? projectNameFromProto(fields, "project.name", project?.name ?? "") : undefined,
    slug: mask.has("slug") ? fields.slug("project.slug", project?.slug ?? "") : undefined,
    settings: {
      ...((whole || mask.has("settings.session_ttl")) && { sessionTtlMs: settings.sessionTtlMs }),
      ...((whole || mask.has("settings.lock_delay")) && { lockDelayMs: settings.lockDelayMs }),
      ...((whole || mask.has("settings.shared_paths")) && { sharedPaths: settings.sharedPaths }),
      // False is what it means not to say it, so only true is known to ask for something.
      ...(whole && settings.caseSensitive && { caseSensitive: true }),
    },
  };
}

const NO_SETTINGS: GivenSettings = {
  sessionTtlMs: undefined,
  lockDelayMs: undefined,
  sharedPaths: [],
  caseSensitive: false,
};

/** Where a list of projects goes on, from what its page token carries. */
export function projectListKeyFromToken(fields: FieldParser, key: unknown): ProjectListKey | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "object" && key !== null && "slug" in key && "id" in key) {
    const { slug, id } = key;
    if (typeof slug === "string" && typeof id === "string") return { slug, id: fields.id<ProjectId>("page_token", id) };
  }
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}

/** Where a list of members goes on, from what its page token carries. */
export function memberListKeyFromToken(fields: FieldParser, key: unknown): string | undefined {
  if (key === undefined || typeof key === "string") return key;
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}
