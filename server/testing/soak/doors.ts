import { setTimeout as pause } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { ClaimConflictSchema, FeatureAlreadyHeldSchema, SessionBusySchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { type ApiClients, clientsFor } from "../start-nexus.ts";
import type { Answer, Blocker } from "./history.ts";
import type { Random } from "./random.ts";

/** How long an attempt is waited for before another server is asked. */
const ATTEMPT_MS = 4_000;
/** Between attempts, doubling: servers that are behind are not helped by more calls. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [30, 1_000];
/** After these the outcome is unknown, and the same call is safe. */
const UNKNOWN = new Set(["STORE_UNAVAILABLE", "CLAIMS_RECOVERING", "DEADLINE_EXCEEDED", "CANCELLED"]);

/** A call was answered in a way that no client can make sense of. */
export class ServerDefect extends Error {}

/** How one request went, over all its attempts. */
export interface Outcome<Result> {
  /** What was answered in the end; undefined when time was up before anybody did. */
  readonly answer: Result | Extract<Answer, { kind: "refused" }> | undefined;
  readonly firstSent: number;
  readonly lastSent: number;
  readonly answered: number;
  readonly unanswered: number;
}

/** The servers as one client sees them: any will do, and the next one when this one does not answer. */
export class Doors {
  private readonly clients = new Map<string, ApiClients>();
  private current: number;
  /** @param urls where each server listens just now */
  constructor(
    private readonly key: string,
    private readonly urls: () => readonly (string | undefined)[],
    private readonly random: Random,
  ) {
    this.current = random.between(0, 100);
  }

  /**
   * Sends a request until somebody answers it.
   *
   * @param over tells when nobody waits for the answer any more
   * @throws ServerDefect
   */
  async send<Result>(
    attempt: (api: ApiClients, options: { timeoutMs: number }) => Promise<Result>,
    over: () => boolean,
  ): Promise<Outcome<Result>> {
    let firstSent: number | undefined;
    let lastSent = performance.now();
    for (let [unanswered, attempts] = [0, 0]; ; attempts++) {
      const api = this.next();
      if (api !== undefined) {
        lastSent = performance.now();
        firstSent ??= lastSent;
        const answer = await attempt(api, { timeoutMs: ATTEMPT_MS }).catch(refusalIn);
        const answered = performance.now();
        if (answer !== undefined && answer !== "not sent") return { answer, firstSent, lastSent, answered, unanswered };
        if (answer === undefined) unanswered++;
        this.current++;
      }
      if (over()) {
        return {
          answer: undefined,
          firstSent: firstSent ?? lastSent,
          lastSent,
          answered: performance.now(),
          unanswered,
        };
      }
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS);
      await pause(this.random.between(longest / 2, longest));
    }
  }

  /** A server that seems to run. */
  private next(): ApiClients | undefined {
    const urls = this.urls();
    const url = urls[this.current % urls.length];
    if (url === undefined) {
      this.current++;
      return undefined;
    }
    let api = this.clients.get(url);
    if (api === undefined) {
      api = clientsFor(url, this.key);
      this.clients.set(url, api);
    }
    return api;
  }
}

/** A refusal in the words of histories; undefined where the outcome is unknown. */
function refusalIn(error: unknown): Extract<Answer, { kind: "refused" }> | "not sent" | undefined {
  if (!(error instanceof ConnectError)) throw error;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) return /ECONNREFUSED/.test(error.message) ? "not sent" : undefined;
  if (UNKNOWN.has(info.reason)) return undefined;
  const blockers: Blocker[] = [];
  const name = (holder: { sessionId: string; featureSlug: string } | undefined) =>
    blockers.push({ session: holder?.sessionId ?? "nobody", feature: holder?.featureSlug ?? "nothing" });
  for (const detail of error.findDetails(ClaimConflictSchema)) for (const { holder } of detail.blocked) name(holder);
  for (const { holder } of error.findDetails(FeatureAlreadyHeldSchema)) name(holder);
  for (const { featureSlug } of error.findDetails(SessionBusySchema)) name({ sessionId: "", featureSlug });
  if (info.reason === "INTERNAL" || info.reason === "RESOURCE_NOT_FOUND" || info.reason === "REQUEST_INVALID") {
    throw new ServerDefect(`${info.reason}: ${error.message}`);
  }
  return { kind: "refused", reason: info.reason, blockers };
}
