import type { Client, Transport } from "@connectrpc/connect";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import { KnowledgeService } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import { RoadmapService } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import { parseServerUrl } from "./server-url.ts";
import { type CallSettings, createServiceClient } from "./service-client.ts";
import { createNexusTransport, type TransportOptions } from "./transport.ts";

/** How long a unary call may take with all its attempts, unless said otherwise. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Where the server is, who calls, and how long a call may take. */
export interface NexusClientOptions extends TransportOptions {
  /** For each unary call with all its attempts; 10 s when absent, 0 for no bound. */
  readonly timeoutMs?: number | undefined;
}

/** One Connect client for each service. Its calls throw NexusErrors. */
export interface NexusClient {
  readonly auth: Client<typeof AuthService>;
  readonly projects: Client<typeof ProjectService>;
  readonly features: Client<typeof FeatureService>;
  readonly claims: Client<typeof ClaimService>;
  readonly sessions: Client<typeof SessionService>;
  readonly knowledge: Client<typeof KnowledgeService>;
  readonly roadmap: Client<typeof RoadmapService>;
  readonly events: Client<typeof EventService>;
  /** Closes the connections that are kept for the next call. Calls under way fail. */
  close(): void;
}

/**
 * A client of one Nexus server. Nothing is sent before the first call.
 *
 * Mutations carry a `request_id` (a new UUID where none is given). A call that fails because a store does not answer,
 * because claims are being rebuilt, or because the server can't be reached is repeated with the same id, boundedly.
 *
 * @throws TypeError when baseUrl is no http or https URL
 */
export function createNexusClient(options: NexusClientOptions): NexusClient {
  const baseUrl = parseServerUrl(options.baseUrl);
  const { transport, close } = createNexusTransport({ ...options, baseUrl });
  const settings = { baseUrl, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  return { ...createServiceClients(transport, settings), close };
}

/** The clients of all services over a transport: what createNexusClient builds on, and tests without a socket. */
export function createServiceClients(transport: Transport, settings: CallSettings): Omit<NexusClient, "close"> {
  return {
    auth: createServiceClient(AuthService, transport, settings),
    projects: createServiceClient(ProjectService, transport, settings),
    features: createServiceClient(FeatureService, transport, settings),
    claims: createServiceClient(ClaimService, transport, settings),
    sessions: createServiceClient(SessionService, transport, settings),
    knowledge: createServiceClient(KnowledgeService, transport, settings),
    roadmap: createServiceClient(RoadmapService, transport, settings),
    events: createServiceClient(EventService, transport, settings),
  };
}
