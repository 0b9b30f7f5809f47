import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import type { Failpoint } from "../../domain/failpoint.ts";
import type { FailpointAction } from "../bundle/failpoint.ts";
import { type ApiClients, clientsFor } from "../start-nexus.ts";
import { type ObedientServer, ServerEnded } from "../start-testing-server.ts";

/** Servers over the same stores, and who calls them. */
export interface CrashSite {
  /** The server whose steps are armed. One that was killed is started again; this waits for it. */
  armed(): Promise<ObedientServer>;
  /** Another server over the same stores; where there can be only one, that one. */
  other(): Promise<ObedientServer>;
  /** Clients of the owner of every project, or of somebody else. */
  clients(server: ObedientServer, who: "ana" | "ben"): ApiClients;
  readonly benEmail: string;
  /** A server's claims die with it, so that open sessions get a fresh lease from the rebuild (CLAIMS section 5). */
  readonly losesClaims: boolean;
}

/** Makes the clients of these people, once for each server. */
export function clientsOnce(people: Readonly<Record<"ana" | "ben", { readonly key: string }>>): CrashSite["clients"] {
  const known = new Map<string, ApiClients>();
  return (server, who) => {
    const name = `${who} at ${server.url}`;
    const clients = known.get(name) ?? clientsFor(server.url, people[who].key);
    known.set(name, clients);
    return clients;
  };
}

/** What is made to happen at a step; `delay` is longer than the caller waits. */
export type Action = "kill" | "throw" | "drop" | "delay";
export const ACTIONS: readonly Action[] = ["kill", "throw", "drop", "delay"];
export const DELAY_MS = 1_200;
/** CLAIMS section 6: no deviation is older than this. */
export const BOUND_MS = 15_000;

/** The call that a scenario is about. */
export interface Act {
  /** Makes the call, under one request id however often; answers what it was answered, as text. */
  call(server: ObedientServer, options: CallOptions): Promise<string>;
  /** What the call is answered when it is made once more later on, where that is not what it was answered before. */
  readonly again?: string;
  /** Runs beside the first call; it is repeated only when this is over. */
  meanwhile?(first: ObedientServer): Promise<void>;
  /** Throws unless the answer is right, and what it says is so. Runs once, at the end, and may change things. */
  check(answer: string): Promise<void>;
}

/** A situation and a call in it, which goes through certain steps. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Failpoint[];
  /** Only these actions make sense; all by default. */
  readonly actions?: readonly Action[];
  /** Armed beside the step: what makes the call go there. */
  readonly leads?: readonly (readonly [Failpoint, FailpointAction])[];
  readonly leaseMs?: number;
  prepare(cell: Cell): Promise<Act>;
}

/** Throws a sentence unless it holds. */
export function must(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence);
}

/** One project in which one thing goes wrong, and what its people do there. */
export class Cell {
  private constructor(
    readonly site: CrashSite,
    readonly projectId: string,
    private readonly slug: string,
  ) {}

  static async open(site: CrashSite, leaseMs = 60_000): Promise<Cell> {
    const { projects } = site.clients(await site.other(), "ana");
    const settings = { sessionTtl: spanOf(leaseMs), lockDelay: spanOf(300), caseSensitive: false };
    const slug = `cell-${randomUUID()}`;
    const { project } = await projects.createProject({ slug, settings });
    return new Cell(site, project?.id ?? "", slug);
  }

  /** Makes leases from here on so long; those that were given stay as they are. */
  async leaseMs(ms: number): Promise<void> {
    const { projects } = await this.ana();
    await projects.updateProject({
      projectId: this.projectId,
      project: { settings: { sessionTtl: spanOf(ms) } },
      updateMask: { paths: ["settings.session_ttl"] },
    });
  }

  async ana(server?: ObedientServer): Promise<ApiClients> {
    return this.site.clients(server ?? (await this.site.other()), "ana");
  }

  async ben(server?: ObedientServer): Promise<ApiClients> {
    return this.site.clients(server ?? (await this.site.other()), "ben");
  }

  async session(clients?: ApiClients): Promise<string> {
    const { sessions } = clients ?? (await this.ana());
    const { session } = await sessions.openSession({ projectId: this.projectId, clientSessionId: randomUUID() });
    return session?.id ?? "";
  }

  async ready(slug: string, ...paths: string[]): Promise<void> {
    const { features } = await this.ana();
    const { projectId } = this;
    const touches = paths.map((path) => ({ path }));
    await features.createFeature({ projectId, slug, title: slug, spec: "do it", touches });
    await features.markFeatureReady({ projectId, slug });
  }

  /** Picks and answers the token. */
  async hold(slug: string, sessionId: string, clients?: ApiClients): Promise<bigint> {
    const { features } = clients ?? (await this.ana());
    const { claim } = await features.pickFeature({ projectId: this.projectId, slug, sessionId });
    return claim?.fencingToken ?? 0n;
  }

  async feature(slug: string) {
    const { feature } = await (await this.ana()).features.getFeature({ projectId: this.projectId, slug });
    must(feature !== undefined, `${slug} is gone`);
    return feature;
  }

  /** Throws unless a new session gets the feature in time; gives it back. */
  async mustBeFree(slug: string): Promise<void> {
    const rival = await this.session();
    const { features } = await this.ana();
    const { projectId } = this;
    let last = "";
    for (const end = performance.now() + BOUND_MS; performance.now() < end; await pause(50)) {
      last = await answerOf(async () => `token ${await this.hold(slug, rival)}`);
      if (last.startsWith("token")) {
        const fencingToken = BigInt(last.slice(6));
        await features.releaseFeature({ projectId, slug, sessionId: rival, fencingToken });
        return;
      }
    }
    throw new Error(`${slug} could not be picked for ${BOUND_MS / 1000} s: ${last}`);
  }

  /** Throws unless a new session is refused the feature for that reason. */
  async mustBeRefused(slug: string, reason: string): Promise<void> {
    const rival = await this.session();
    const answer = await answerOf(async () => `token ${await this.hold(slug, rival)}`);
    must(answer === `refused ${reason}`, `a pick of ${slug} is answered ${answer}, not refused with ${reason}`);
  }

  /** Ends what is left of it, so that no reconciler looks after it any more. */
  async close(): Promise<void> {
    const { projects } = await this.ana();
    await projects.deleteProject({ projectId: this.projectId, confirmSlug: this.slug });
  }
}

/** What a call was answered, a refusal included; throws when there was no answer, or one that says to try again. */
export async function answerOf(call: () => Promise<string>): Promise<string> {
  try {
    return await call();
  } catch (error) {
    const reason = error instanceof ConnectError ? error.findDetails(ErrorInfoSchema)[0]?.reason : undefined;
    if (reason === undefined || reason === "STORE_UNAVAILABLE" || reason === "CLAIMS_RECOVERING") throw error;
    return `refused ${reason}`;
  }
}

/** Whether an error says nothing about what became of the call, so that a client repeats it. */
export function isLost(error: unknown): boolean {
  if (error instanceof ServerEnded) return true;
  // What answerOf throws of Connect's is either no answer of the server at all, or says to try again.
  return error instanceof ConnectError && error.code !== Code.Unimplemented;
}

function spanOf(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
}
