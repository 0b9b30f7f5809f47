import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Claim, ClaimMode } from "@nexus/gen/nexus/v1/claim_pb";
import { VerifyPathsResponse_Verdict } from "@nexus/gen/nexus/v1/claim_service_pb";
import type { ApiClients } from "../start-nexus.ts";
import type { Counters } from "./counters.ts";
import type { Doors } from "./doors.ts";
import type { Answer, Call, HeldTouch, HistoryRecorder } from "./history.ts";
import type { Random } from "./random.ts";
import { FEATURE_SHAPES, type FeatureShape } from "./terrain.ts";

/** A project that agents of one run work on. */
export interface WorkedProject {
  readonly id: string;
  readonly ttlMs: number;
  readonly recorder: HistoryRecorder;
  readonly counters: Counters;
  /** Features that are there to be picked, by slug. */
  readonly features: Map<string, FeatureShape>;
}

interface OpenSession {
  readonly id: string;
  /** The lease lasts until then at least, counted from when the last answered sign of life was sent. */
  leaseUntil: number;
}

interface Hold {
  readonly slug: string;
  readonly session: OpenSession;
  readonly token: bigint;
  readonly files: string[];
}

/** The longest that an agent thinks between reading a file and writing it. */
const THOUGHT_MS = 25;

/** How long an agent rests after a call, at most, as a multiple of how long the answer took. */
const LEISURE = 6;

/**
 * One agent: opens sessions, picks features, counts up in the files that it holds, extends, releases, completes, and
 * sometimes falls asleep for longer than its lease. Sends one call of its work after the other, each until it is answered,
 * and signs of life beside them.
 */
export class Agent {
  private session: OpenSession | undefined;
  private asleep = false;
  private gone = false;
  private leaving = false;
  private readonly heartbeats: Promise<void>;

  constructor(
    readonly name: string,
    private readonly project: WorkedProject,
    private readonly doors: Doors,
    private readonly random: Random,
  ) {
    this.heartbeats = this.giveSignsOfLife();
    this.heartbeats.catch(() => {});
  }

  /** Works until told to stop; then it keeps what it holds, and its session alive, until it leaves. */
  async work(over: () => boolean): Promise<void> {
    while (!over()) {
      const session = this.session ?? (await this.open(over));
      if (session === undefined) continue;
      const slug = this.random.oneOf([...this.project.features.keys()]);
      const hold = await this.pick(session, slug, over);
      if (hold !== undefined) await this.workOn(hold, over);
    }
  }

  /** Ends its session in order, or just goes away. */
  async leave(how: "closing" | "vanishing", over: () => boolean): Promise<void> {
    this.leaving = true;
    const { session } = this;
    if (how === "closing" && session !== undefined) await this.close(session, over);
    this.gone = true;
    await this.heartbeats;
  }

  private async workOn(hold: Hold, over: () => boolean): Promise<void> {
    const { session, slug } = hold;
    const { id: projectId } = this.project;
    for (let step = this.random.between(1, 4); step > 0 && !over(); step--) {
      if (this.session !== session) return;
      if (this.random.chance(0.25)) await this.extend(hold, over);
      await this.countUp(hold, over);
    }
    if (this.random.chance(0.04)) await this.sleep();
    if (over() || this.session !== session) return;
    if (this.random.chance(0.05)) return this.close(session, over);
    const how = this.random.chance(0.35) ? "done" : "release";
    const answer = await this.perform({ do: how, session: session.id, feature: slug, token: hold.token }, over, {
      async send({ features }, requestId, options) {
        const named = { projectId, slug, sessionId: session.id, fencingToken: hold.token, requestId };
        await (how === "done" ? features.completeFeature(named, options) : features.releaseFeature(named, options));
        return { kind: "ended" };
      },
    });
    if (how === "done" && answer?.kind === "ended") await this.replace(slug, over);
  }

  /** Reads a counter, makes sure that it holds the file, and writes the next value while its lease lasts. */
  private async countUp({ session, slug, token, files }: Hold, over: () => boolean): Promise<void> {
    if (files.length === 0) return;
    const path = this.random.oneOf(files);
    const { counters, id: projectId } = this.project;
    const value = counters.read(path);
    await pause(this.random.between(0, THOUGHT_MS));
    const answer = await this.perform({ do: "verify", session: session.id, feature: slug, token }, over, {
      once: true,
      async send({ claims }, _, options) {
        const answer = await claims.verifyPaths({ projectId, fencingToken: token, paths: [path] }, options);
        return {
          kind: "verified",
          covered: answer.live && answer.paths[0]?.verdict === VerifyPathsResponse_Verdict.COVERED,
        };
      },
    });
    if (answer?.kind !== "verified" || !answer.covered) return;
    if (performance.now() < session.leaseUntil) counters.write(path, value + 1);
  }

  private async open(over: () => boolean): Promise<OpenSession | undefined> {
    const client = this.name;
    const { id: projectId } = this.project;
    const sent = performance.now();
    const answer = await this.perform({ do: "open", client }, over, {
      async send({ sessions }, requestId, options) {
        const { session } = await sessions.openSession({ projectId, clientSessionId: client, requestId }, options);
        return { kind: "opened", session: session?.id ?? "" };
      },
    });
    if (answer?.kind === "opened") this.session = { id: answer.session, leaseUntil: sent + this.project.ttlMs };
    return this.session;
  }

  private async close(session: OpenSession, over: () => boolean): Promise<void> {
    const { id: projectId } = this.project;
    await this.perform({ do: "close", session: session.id }, over, {
      async send({ sessions }, requestId, options) {
        await sessions.closeSession({ projectId, sessionId: session.id, requestId }, options);
        return { kind: "ended" };
      },
    });
    if (this.session === session) this.session = undefined;
  }

  private async pick(session: OpenSession, slug: string, over: () => boolean): Promise<Hold | undefined> {
    const { id: projectId } = this.project;
    const answer = await this.perform({ do: "pick", session: session.id, feature: slug }, over, {
      async send({ features }, requestId, options) {
        const picked = await features.pickFeature({ projectId, slug, sessionId: session.id, requestId }, options);
        return grantedBy(picked.claim);
      },
    });
    if (answer?.kind === "granted") {
      const { token, touches } = answer;
      return { slug, session, token, files: filesIn(this.shapeOf(slug), touches) };
    }
    // Something that nobody was told of: the same pick again tells.
    const [busy] = answer?.kind === "refused" && answer.reason === "SESSION_BUSY" ? answer.blockers : [];
    return busy === undefined || over() ? undefined : this.pick(session, busy.feature, over);
  }

  private async extend(hold: Hold, over: () => boolean): Promise<void> {
    const { session, slug, token } = hold;
    const { id: projectId } = this.project;
    const { extension } = this.shapeOf(slug);
    if (extension === undefined) return;
    const touches: HeldTouch[] = [{ path: extension.path, mode: "exclusive" }];
    const answer = await this.perform({ do: "extend", session: session.id, feature: slug, token, touches }, over, {
      async send({ claims }, requestId, options) {
        const named = { projectId, slug, sessionId: session.id, fencingToken: token, requestId };
        const { claim } = await claims.extendClaim({ ...named, touches: [{ path: extension.path }] }, options);
        return grantedBy(claim);
      },
    });
    if (answer?.kind === "granted" && !hold.files.includes(extension.file)) hold.files.push(extension.file);
  }

  /** Makes what was completed anew, so that there is always something to do. */
  private async replace(slug: string, over: () => boolean): Promise<void> {
    const shape = this.shapeOf(slug);
    this.project.features.delete(slug);
    await createFeature(this.project, this.doors, shape, over);
  }

  /** For longer than its lease lasts. */
  private async sleep(): Promise<void> {
    this.asleep = true;
    await pause(this.project.ttlMs * (1 + this.random.next()));
    this.asleep = false;
  }

  private async giveSignsOfLife(): Promise<void> {
    const { id: projectId } = this.project;
    while (!this.gone) {
      await pause(this.project.ttlMs / 4);
      const { session } = this;
      if (session === undefined || this.asleep || this.gone || this.leaving) continue;
      const answer = await this.perform({ do: "heartbeat", session: session.id }, () => true, {
        once: true,
        async send({ sessions }, _, options) {
          const { claims } = await sessions.heartbeatSession({ projectId, sessionId: session.id }, options);
          return { kind: "alive", tokens: claims.map((claim) => claim.fencingToken) };
        },
      });
      if (answer?.kind === "refused" && this.session === session) this.session = undefined;
    }
  }

  /** Sends a call until it is answered, and writes down how it went. */
  private async perform(
    call: Call,
    over: () => boolean,
    how: {
      /** Not again: what was not answered at once is of no use any more. */
      readonly once?: boolean;
      send(api: ApiClients, requestId: string, options: { readonly timeoutMs: number }): Promise<Answer>;
    },
  ): Promise<Answer | undefined> {
    const requestId = randomUUID();
    const { answer, ...exchange } = await this.doors.send<Answer>(
      (api, options) => how.send(api, requestId, options),
      how.once ? () => true : over,
    );
    this.project.recorder.add({ call, answer: answer ?? { kind: "unknown" }, ...exchange });
    if (answer?.kind === "alive" || answer?.kind === "granted") this.renewed(call, exchange.firstSent);
    // Where the machine is slow, agents are: servers that have more to do than they can show nothing.
    if (!how.once) await pause((exchange.answered - exchange.lastSent) * LEISURE * this.random.next());
    const told = answer?.kind === "refused" && answer.reason === "SESSION_EXPIRED";
    if (told && "session" in call && this.session?.id === call.session) this.session = undefined;
    return answer;
  }

  private renewed(call: Call, sent: number): void {
    const { session } = this;
    if (session === undefined || !("session" in call) || session.id !== call.session) return;
    session.leaseUntil = Math.max(session.leaseUntil, sent + this.project.ttlMs);
  }

  private shapeOf(slug: string): FeatureShape {
    const [name] = slug.split(/-[0-9a-f]{8}$/);
    const shape = FEATURE_SHAPES.find((each) => each.name === name);
    if (shape === undefined) throw new Error(`${slug} is not of any known shape`);
    return shape;
  }
}

/** Makes a feature and has it ready to be picked. */
export async function createFeature(
  project: WorkedProject,
  doors: Doors,
  shape: FeatureShape,
  over: () => boolean,
): Promise<void> {
  const { id: projectId } = project;
  const slug = `${shape.name}-${randomUUID().slice(0, 8)}`;
  const [createId, readyId] = [randomUUID(), randomUUID()];
  const mode = (touch: HeldTouch) => (touch.mode === "shared" ? ClaimMode.SHARED : ClaimMode.EXCLUSIVE);
  const touches = shape.touches.map((touch) => ({ path: touch.path, mode: mode(touch) }));
  project.recorder.features.set(slug, shape.touches);
  const made = await doors.send(async ({ features }, options) => {
    await features.createFeature(
      { projectId, slug, title: slug, spec: "do it", touches, requestId: createId },
      options,
    );
    await features.markFeatureReady({ projectId, slug, requestId: readyId }, options);
    return { kind: "made" as const };
  }, over);
  if (made.answer?.kind === "made") project.features.set(slug, shape);
}

function grantedBy(claim: Claim | undefined): Answer {
  const touches = (claim?.touches ?? []).map(
    ({ path, mode }): HeldTouch => ({ path, mode: mode === ClaimMode.SHARED ? "shared" : "exclusive" }),
  );
  return { kind: "granted", token: claim?.fencingToken ?? 0n, touches };
}

/** The files that these touches cover, of those that the feature may ever cover. */
function filesIn({ files, extension }: FeatureShape, touches: readonly HeldTouch[]): string[] {
  const extended = touches.some(({ path }) => path === extension?.path);
  return extension !== undefined && extended ? [...files, extension.file] : [...files];
}
