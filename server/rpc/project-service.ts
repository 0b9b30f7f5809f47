import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type GetProjectStatusRequest,
  type GetProjectStatusResponseSchema,
  ListMembersRequestSchema,
  ListProjectsRequestSchema,
  type ProjectService,
} from "@nexus/gen/nexus/v1/project_service_pb";
import { FieldParser } from "../domain/field-parser.ts";
import type { ProjectId } from "../domain/ids.ts";
import { createProject } from "../domain/projects/create-project.ts";
import { deleteProject } from "../domain/projects/delete-project.ts";
import type { ProjectDeps } from "../domain/projects/deps.ts";
import { findProject } from "../domain/projects/find-project.ts";
import { addMember, listMembers, removeMember, updateMember } from "../domain/projects/members.ts";
import { parseSettings } from "../domain/projects/parse-settings.ts";
import { updateProject } from "../domain/projects/update-project.ts";
import { callerOf } from "./context.ts";
import {
  memberListKeyFromToken,
  memberToProto,
  projectListKeyFromToken,
  projectNameOf,
  projectToProto,
  projectUpdateFromProto,
  roleFromProto,
  roleToProto,
  settingsFromProto,
  slugAndNameFromProto,
} from "./convert/project.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

/** What the rpcs of ProjectService work with. */
export interface ProjectServiceDeps extends ProjectDeps {
  /** The whole of GetProjectStatus, which looks into every store. */
  readonly getProjectStatus: (
    request: GetProjectStatusRequest,
    context: HandlerContext,
  ) => Promise<MessageInitShape<typeof GetProjectStatusResponseSchema>>;
}

/** The rpcs of ProjectService that exist so far; the others answer UNIMPLEMENTED. */
export function projectService(deps: ProjectServiceDeps): Partial<ServiceImpl<typeof ProjectService>> {
  return {
    async createProject(request, context) {
      const fields = new FieldParser();
      const { slug, name } = slugAndNameFromProto(fields, request);
      const settings = parseSettings(fields, "settings", settingsFromProto(request.settings));
      fields.done();
      const project = await createProject(deps, callerOf(context), { slug, name, settings });
      return { project: projectToProto(project) };
    },

    async listProjects(request, context) {
      const fields = new FieldParser();
      const size = fields.pageSize(request.pageSize);
      const after = projectListKeyFromToken(fields, decodePageToken(ListProjectsRequestSchema, request));
      fields.done();
      const page = await deps.database.read.projects.list(callerOf(context).engineerId, { size, after });
      return {
        projects: page.items.map(projectToProto),
        nextPageToken: encodePageToken(ListProjectsRequestSchema, request, page.next),
      };
    },

    async getProject(request, context) {
      const fields = new FieldParser();
      const name = projectNameOf(fields, request);
      fields.done();
      const { project, role } = await findProject(deps.database.read, name, callerOf(context).engineerId);
      return { project: projectToProto(project), role: roleToProto(role) };
    },

    async updateProject(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const changes = projectUpdateFromProto(fields, request);
      fields.done();
      const etag = request.etag === "" ? undefined : request.etag;
      const project = await updateProject(deps, callerOf(context), { projectId, etag, ...changes });
      return { project: projectToProto(project) };
    },

    async deleteProject(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      if (request.confirmSlug === "") fields.reject("confirm_slug", "is required: repeat the slug of the project");
      fields.done();
      await deleteProject(deps, callerOf(context), projectId, request.confirmSlug);
      return {};
    },

    async addMember(request, context) {
      const fields = new FieldParser();
      const name = memberNameFromProto(fields, request);
      const role = roleFromProto(fields, "role", request.role, "member");
      fields.done();
      return { member: memberToProto(await addMember(deps, callerOf(context), name, role)) };
    },

    async listMembers(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const size = fields.pageSize(request.pageSize);
      const after = memberListKeyFromToken(fields, decodePageToken(ListMembersRequestSchema, request));
      fields.done();
      const page = await listMembers(deps, callerOf(context), projectId, { size, after });
      return {
        members: page.items.map(memberToProto),
        nextPageToken: encodePageToken(ListMembersRequestSchema, request, page.next),
        eventCursor: page.eventCursor,
      };
    },

    async updateMember(request, context) {
      const fields = new FieldParser();
      const name = memberNameFromProto(fields, request);
      const role = roleFromProto(fields, "role", request.role, undefined);
      fields.done();
      return { member: memberToProto(await updateMember(deps, callerOf(context), name, role)) };
    },

    async removeMember(request, context) {
      const fields = new FieldParser();
      const name = memberNameFromProto(fields, request);
      fields.done();
      await removeMember(deps, callerOf(context), name);
      return {};
    },

    getProjectStatus: (request, context) => deps.getProjectStatus(request, context),
  };
}

function memberNameFromProto(fields: FieldParser, request: { readonly projectId: string; readonly email: string }) {
  const projectId = fields.id<ProjectId>("project_id", request.projectId);
  return { projectId, email: fields.email("email", request.email) };
}
