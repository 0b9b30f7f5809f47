export { createNexusClient, DEFAULT_TIMEOUT_MS, type NexusClient, type NexusClientOptions } from "./nexus-client.ts";
export { type ErrorCode, type ErrorJson, NexusError, type NexusErrorReason, type ServerReason } from "./nexus-error.ts";
export { type Page, pages } from "./pages.ts";
export { parseServerUrl } from "./server-url.ts";
export {
  type LeaseClock,
  type LeasedSession,
  type SendHeartbeat,
  SessionLease,
  systemLeaseClock,
  unansweredClaim,
} from "./session-lease.ts";
export {
  type EventSource,
  type WatchedProject,
  type WatchOptions,
  type WatchRequest,
  watchEvents,
} from "./watch-events.ts";
