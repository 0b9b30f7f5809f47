import type { ServiceImpl } from "@connectrpc/connect";
import {
  type KnowledgeService,
  ListDecisionsRequestSchema,
  ListLearningsRequestSchema,
  SearchKnowledgeRequestSchema,
} from "@nexus/gen/nexus/v1/knowledge_service_pb";
import type { FeatureDeps } from "../domain/features/deps.ts";
import { FieldParser } from "../domain/field-parser.ts";
import type { DecisionId, ProjectId, SessionId, Slug } from "../domain/ids.ts";
import { addLearning } from "../domain/knowledge/add-learning.ts";
import { listDecisions, listLearnings } from "../domain/knowledge/list-knowledge.ts";
import { recordDecision } from "../domain/knowledge/record-decision.ts";
import { searchKnowledge } from "../domain/knowledge/search-knowledge.ts";
import { callerOf } from "./context.ts";
import { pathFromProto } from "./convert/feature.ts";
import {
  decisionToProto,
  foundKeyFromToken,
  foundToProto,
  kindsFromProto,
  learningToProto,
  ordinalFromToken,
} from "./convert/knowledge.ts";
import { timeFromProto } from "./convert/time.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

const MAX_TEXT = 20_000;
const MAX_TITLE = 200;
const MAX_SUPERSEDED = 100;
const MAX_PATHS = 100;

/** KnowledgeService over the domain. */
export function knowledgeService(deps: FeatureDeps): ServiceImpl<typeof KnowledgeService> {
  return {
    async addLearning(request, context) {
      const fields = new FieldParser();
      const learning = { ...placeFromProto(fields, request), text: fields.text("text", request.text, 1, MAX_TEXT) };
      fields.done();
      return { learning: learningToProto(await addLearning(deps, callerOf(context), learning)) };
    },

    async listLearnings(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const featureSlug = optionalSlug(fields, request.slug);
      const size = fields.pageSize(request.pageSize);
      const after = ordinalFromToken(fields, decodePageToken(ListLearningsRequestSchema, request));
      fields.done();
      const page = await listLearnings(deps, callerOf(context), { projectId, featureSlug }, { size, after });
      return {
        learnings: page.items.map(learningToProto),
        nextPageToken: encodePageToken(ListLearningsRequestSchema, request, page.next),
        eventCursor: page.eventCursor,
      };
    },

    async recordDecision(request, context) {
      const fields = new FieldParser();
      fields.atMost("supersedes", request.supersedes, MAX_SUPERSEDED);
      const decision = {
        ...placeFromProto(fields, request),
        title: fields.line("title", request.title, 1, MAX_TITLE),
        decision: fields.text("decision", request.decision, 0, MAX_TEXT),
        rationale: fields.text("rationale", request.rationale, 0, MAX_TEXT),
        alternatives: fields.text("alternatives", request.alternatives, 0, MAX_TEXT),
        consequences: fields.text("consequences", request.consequences, 0, MAX_TEXT),
        supersedes: request.supersedes
          .slice(0, MAX_SUPERSEDED)
          .map((id, index) => fields.id<DecisionId>(`supersedes[${index}]`, id)),
      };
      fields.done();
      return { decision: decisionToProto(await recordDecision(deps, callerOf(context), decision)) };
    },

    async listDecisions(request, context) {
      const fields = new FieldParser();
      const projectId = fields.id<ProjectId>("project_id", request.projectId);
      const featureSlug = optionalSlug(fields, request.slug);
      const size = fields.pageSize(request.pageSize);
      const after = ordinalFromToken(fields, decodePageToken(ListDecisionsRequestSchema, request));
      fields.done();
      const asked = { projectId, featureSlug, includeSuperseded: request.includeSuperseded };
      const page = await listDecisions(deps, callerOf(context), asked, { size, after });
      return {
        decisions: page.items.map(decisionToProto),
        nextPageToken: encodePageToken(ListDecisionsRequestSchema, request, page.next),
        eventCursor: page.eventCursor,
      };
    },

    async searchKnowledge(request, context) {
      const fields = new FieldParser();
      fields.atMost("paths", request.paths, MAX_PATHS);
      const search = {
        projectId: fields.id<ProjectId>("project_id", request.projectId),
        // Whatever it is: a search for the oddest text finds nothing, and is no mistake.
        text: request.query.trim() === "" ? undefined : request.query,
        kinds: kindsFromProto(fields, "kinds", request.kinds),
        featureSlug: optionalSlug(fields, request.slug),
        author: request.author === "" ? undefined : fields.email("author", request.author),
        since: timeFromProto(fields, "since_time", request.sinceTime),
        paths: request.paths.slice(0, MAX_PATHS).map((path, index) => pathFromProto(fields, `paths[${index}]`, path)),
      };
      const size = fields.pageSize(request.pageSize);
      const after = foundKeyFromToken(fields, decodePageToken(SearchKnowledgeRequestSchema, request));
      fields.done();
      const page = await searchKnowledge(deps, callerOf(context), search, { size, after });
      return {
        results: page.items.map(foundToProto),
        nextPageToken: encodePageToken(SearchKnowledgeRequestSchema, request, page.next),
      };
    },
  };
}

/** Where something is written down. */
function placeFromProto(
  fields: FieldParser,
  request: { readonly projectId: string; readonly slug: string; readonly sessionId: string },
) {
  return {
    projectId: fields.id<ProjectId>("project_id", request.projectId),
    featureSlug: optionalSlug(fields, request.slug),
    sessionId: request.sessionId === "" ? undefined : fields.id<SessionId>("session_id", request.sessionId),
  };
}

function optionalSlug(fields: FieldParser, slug: string): Slug | undefined {
  return slug === "" ? undefined : fields.slug("slug", slug);
}
