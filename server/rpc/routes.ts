import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Health } from "@nexus/gen/grpc/health/v1/health_pb";
import { ServerReflection } from "@nexus/gen/grpc/reflection/v1/reflection_pb";
import { ServerReflection as ServerReflectionAlpha } from "@nexus/gen/grpc/reflection/v1alpha/reflection_pb";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { KnowledgeService } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import { RoadmapService } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import type { AuthDeps } from "../domain/auth/deps.ts";
import type { EventDeps } from "../domain/events/read-events.ts";
import type { FeatureDeps } from "../domain/features/deps.ts";
import type { ProjectDeps } from "../domain/projects/deps.ts";
import type { AuditDeps } from "../domain/recovery/audit.ts";
import { authService } from "./auth-service.ts";
import { claimService } from "./claim-service.ts";
import { eventService } from "./event-service.ts";
import { featureService } from "./feature-service.ts";
import { healthService, type ServerHealth } from "./health.ts";
import { knowledgeService } from "./knowledge-service.ts";
import { projectService } from "./project-service.ts";
import { getProjectStatus } from "./project-status.ts";
import { reflectionService } from "./reflection.ts";
import { roadmapService } from "./roadmap-service.ts";
import { sessionService } from "./session-service.ts";

/** What the services work with. */
export interface ServiceDeps extends AuthDeps, ProjectDeps, FeatureDeps, EventDeps, AuditDeps {}

const SERVICES: readonly DescService[] = [
  AuthService,
  ProjectService,
  FeatureService,
  ClaimService,
  SessionService,
  KnowledgeService,
  RoadmapService,
  EventService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
];

/** Every service. Methods without an implementation answer UNIMPLEMENTED. */
export function routes(deps: ServiceDeps, health: ServerHealth): (router: ConnectRouter) => void {
  return (router) => {
    router.service(AuthService, authService(deps));
    router.service(ProjectService, projectService({ ...deps, getProjectStatus: getProjectStatus(deps) }));
    router.service(FeatureService, featureService(deps));
    router.service(ClaimService, claimService(deps));
    router.service(SessionService, sessionService(deps));
    router.service(KnowledgeService, knowledgeService(deps));
    router.service(RoadmapService, roadmapService(deps));
    router.service(EventService, eventService(deps));
    router.service(Health, healthService(health, new Set(SERVICES.map(({ typeName }) => typeName))));
    router.service(ServerReflection, reflectionService(SERVICES));
    router.service(ServerReflectionAlpha, reflectionService(SERVICES));
  };
}
