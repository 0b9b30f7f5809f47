import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { FeatureStatus, InterruptionCause } from "@nexus/gen/nexus/v1/feature_pb";
import type { Failpoint } from "../../../domain/failpoint.ts";
import { answerOf, type Cell, must, type Scenario } from "../cell.ts";
import { heartbeat, reached } from "./common.ts";
import { prepareFeatures } from "./picks.ts";

export const END_SESSION_STEPS: readonly Failpoint[] = [
  "end-session.before-commit",
  "end-session.in-commit",
  "end-session.after-commit",
  "end-session.after-lease",
  "end-session.before-answer",
];
/** Long enough to pick something with, also on a loaded machine. */
export const SHORT_LEASE_MS = 1_000;

/** `login` was taken from its holder, says so, and can be had. */
async function mustBeInterrupted(cell: Cell, cause: InterruptionCause): Promise<void> {
  const { status, interruption } = await cell.feature("login");
  must(status === FeatureStatus.READY, `the feature is ${FeatureStatus[status]}`);
  must(interruption?.cause === cause, `the interruption is ${interruption?.cause}`);
  await cell.mustBeFree("login");
}

/** A session whose lease has run out while it holds `login`, and nobody has noticed. Later leases are long. */
async function lapsedHolder(cell: Cell): Promise<string> {
  await prepareFeatures(cell);
  const me = await cell.session();
  await cell.hold("login", me);
  await pause(SHORT_LEASE_MS + 50);
  await cell.leaseMs(60_000);
  return me;
}

async function mustHaveExpired(cell: Cell, sessionId: string): Promise<void> {
  const answer = await heartbeat(cell, sessionId);
  if (answer === "alive" && cell.site.losesClaims) {
    // The server died with its claims before the end was committed.
    const { status, holder } = await cell.feature("login");
    must(status === FeatureStatus.ACTIVE && holder?.sessionId === sessionId, "a live session lost its feature");
    return;
  }
  must(answer === "refused SESSION_EXPIRED", `the late holder's heartbeat is answered ${answer}`);
  await mustBeInterrupted(cell, InterruptionCause.SESSION_EXPIRED);
}

export const sessions: readonly Scenario[] = [
  {
    name: "OpenSession",
    steps: [
      "open-session.before-lease",
      "open-session.after-lease",
      "open-session.in-commit",
      "open-session.after-commit",
      "open-session.before-answer",
    ],
    async prepare(cell) {
      const { projectId } = cell;
      const request = { projectId, clientSessionId: "mine", requestId: randomUUID() };
      return {
        async call(server, options) {
          const { session } = await (await cell.ana(server)).sessions.openSession(request, options);
          return `session ${session?.id}`;
        },
        async check(answer) {
          must((await heartbeat(cell, answer.slice(8))) === "alive", "the session is not alive");
          const { sessions } = await (await cell.ana()).sessions.listActiveSessions({ projectId });
          must(sessions.length === 1, `${sessions.length} sessions are open`);
        },
      };
    },
  },
  {
    name: "OpenSession beside another of the same name",
    steps: ["open-session.before-undo"],
    leads: [["open-session.after-lease", 1_000]],
    async prepare(cell) {
      const { projectId } = cell;
      const request = { projectId, clientSessionId: "mine", requestId: randomUUID() };
      let rival = "";
      return {
        async meanwhile(first) {
          await reached(first, "open-session.after-lease");
          const { session } = await (await cell.ana()).sessions.openSession({ projectId, clientSessionId: "mine" });
          rival = session?.id ?? "";
        },
        async call(server, options) {
          const { session } = await (await cell.ana(server)).sessions.openSession(request, options);
          return `session ${session?.id}`;
        },
        async check(answer) {
          must(answer === `session ${rival}`, `it is answered ${answer}, and ${rival} is open`);
          must((await heartbeat(cell, rival)) === "alive", "the session is not alive");
        },
      };
    },
  },
  {
    name: "HeartbeatSession",
    steps: ["heartbeat.after-lease"],
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      await cell.hold("login", me);
      return {
        async call(server, options) {
          const { sessions } = await cell.ana(server);
          const { claims } = await sessions.heartbeatSession({ projectId: cell.projectId, sessionId: me }, options);
          return `alive with ${claims.length}`;
        },
        async check(answer) {
          must(answer === "alive with 1", `it is answered ${answer}`);
        },
      };
    },
  },
  {
    name: "CloseSession of a crashed agent",
    steps: END_SESSION_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const me = await cell.session();
      await cell.hold("login", me);
      const request = { projectId: cell.projectId, sessionId: me, crashed: true, requestId: randomUUID() };
      return {
        async call(server, options) {
          await (await cell.ana(server)).sessions.closeSession(request, options);
          return "closed";
        },
        async check() {
          must((await heartbeat(cell, me)) === "refused SESSION_EXPIRED", "the closed session is alive");
          await mustBeInterrupted(cell, InterruptionCause.SESSION_CRASHED);
        },
      };
    },
  },
  {
    name: "removal of a member",
    steps: END_SESSION_STEPS,
    async prepare(cell) {
      await prepareFeatures(cell);
      const { projectId, site } = cell;
      const { benEmail: email } = site;
      await (await cell.ana()).projects.addMember({ projectId, email });
      const ben = await cell.ben();
      await cell.hold("login", await cell.session(ben), ben);
      const request = { projectId, email, requestId: randomUUID() };
      return {
        async call(server, options) {
          await (await cell.ana(server)).projects.removeMember(request, options);
          return "removed";
        },
        check: () => mustBeInterrupted(cell, InterruptionCause.MEMBER_REMOVED),
      };
    },
  },
  {
    name: "expiry by the reconciler",
    steps: [...END_SESSION_STEPS, "reconcile.before-look", "reconcile.after-look"],
    leaseMs: SHORT_LEASE_MS,
    async prepare(cell) {
      const me = await lapsedHolder(cell);
      return {
        async call(server) {
          await server.reconcile();
          return "reconciled";
        },
        check: () => mustHaveExpired(cell, me),
      };
    },
  },
  {
    name: "expiry by a picker",
    steps: END_SESSION_STEPS,
    leaseMs: SHORT_LEASE_MS,
    async prepare(cell) {
      const former = await lapsedHolder(cell);
      const { projectId } = cell;
      const me = await cell.session();
      const request = { projectId, slug: "other", sessionId: me, requestId: randomUUID() };
      return {
        async call(server, options) {
          const pick = async () => {
            const { claim } = await (await cell.ana(server)).features.pickFeature(request, options);
            return `token ${claim?.fencingToken}`;
          };
          let answer = await answerOf(pick);
          // What the former holder had drains first.
          for (let tries = 0; answer === "refused CLAIM_CONFLICT" && tries < 20; tries++) {
            await pause(50);
            answer = await answerOf(pick);
          }
          return answer;
        },
        async check(answer) {
          if (answer === "refused CLAIM_CONFLICT" && cell.site.losesClaims) return mustHaveExpired(cell, former);
          must(answer.startsWith("token "), `the pick is answered ${answer}`);
          const fencingToken = BigInt(answer.slice(6));
          await (await cell.ana()).features.completeFeature({ projectId, slug: "other", sessionId: me, fencingToken });
          await mustHaveExpired(cell, former);
        },
      };
    },
  },
];
