import type { DescService } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import type { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import type { ClaimService } from "@nexus/gen/nexus/v1/claim_service_pb";
import type { EventService } from "@nexus/gen/nexus/v1/event_service_pb";
import type { FeatureService } from "@nexus/gen/nexus/v1/feature_service_pb";
import type { KnowledgeService } from "@nexus/gen/nexus/v1/knowledge_service_pb";
import type { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import type { RoadmapService } from "@nexus/gen/nexus/v1/roadmap_service_pb";
import type { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import { parseServerUrl } from "./server-url.ts";
import { type CallSettings, createLazyServiceClient, type Streams } from "./service-client.ts";
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
  const lazy = <Service extends DescService>(load: () => Promise<Service>, streams: Streams<Service>) =>
    createLazyServiceClient(load, streams, transport, settings);
  return {
    auth: lazy(async () => (await import("@nexus/gen/nexus/v1/auth_service_pb")).AuthService, {}),
    projects: lazy(async () => (await import("@nexus/gen/nexus/v1/project_service_pb")).ProjectService, {}),
    features: lazy(async () => (await import("@nexus/gen/nexus/v1/feature_service_pb")).FeatureService, {}),
    claims: lazy(async () => (await import("@nexus/gen/nexus/v1/claim_service_pb")).ClaimService, {}),
    sessions: lazy(async () => (await import("@nexus/gen/nexus/v1/session_service_pb")).SessionService, {}),
    knowledge: lazy(async () => (await import("@nexus/gen/nexus/v1/knowledge_service_pb")).KnowledgeService, {}),
    roadmap: lazy(async () => (await import("@nexus/gen/nexus/v1/roadmap_service_pb")).RoadmapService, {}),
    events: lazy(async () => (await import("@nexus/gen/nexus/v1/event_service_pb")).EventService, {
      watchEvents: true,
    }),
  };
}
