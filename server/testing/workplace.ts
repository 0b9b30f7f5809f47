import { randomUUID } from "node:crypto";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@nexus/gen/google/rpc/error_details_pb";
import type { Lane } from "@nexus/gen/nexus/v1/feature_pb";
import type { ApiClients, TestEngineer, TestNexus } from "./start-nexus.ts";

/** A refused call. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
  /** The typed details of that kind. */
  detail<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> | undefined;
}

/** The refusal that a call ended with; throws when it was not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return {
      code: Code[error.code],
      reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? "",
      message: error.rawMessage,
      detail: (schema) => error.findDetails(schema)[0],
    };
  }
  throw new Error("the call was not refused");
}

/** A project with one engineer, for one test. */
export interface Workplace {
  readonly ana: TestEngineer;
  readonly projectId: string;
  /** Opens a session of its own for an engineer, Ana by default. */
  session(engineer?: ApiClients): Promise<string>;
  /** Creates a feature with these touches and makes it ready. */
  ready(
    slug: string,
    touches?: readonly string[],
    more?: { readonly lane?: Lane; readonly dependsOn?: string[] },
  ): Promise<void>;
  pick(slug: string, sessionId: string, requestId?: string): ReturnType<ApiClients["features"]["pickFeature"]>;
  /** Picks and answers the token. */
  hold(slug: string, sessionId: string): Promise<bigint>;
  done(slug: string, sessionId: string, fencingToken: bigint): ReturnType<ApiClients["features"]["completeFeature"]>;
  feature(slug: string): Promise<NonNullable<Awaited<ReturnType<ApiClients["features"]["getFeature"]>>["feature"]>>;
}

/** Registers Ana and creates a project without shared paths. */
export async function openWorkplace(nexus: Pick<TestNexus, "join">): Promise<Workplace> {
  const ana = await nexus.join("ana");
  const { project } = await ana.projects.createProject({ slug: "shop", settings: { caseSensitive: false } });
  const projectId = project?.id ?? "";
  const pick: Workplace["pick"] = (slug, sessionId, requestId = "") =>
    ana.features.pickFeature({ projectId, slug, sessionId, requestId });
  return {
    ana,
    projectId,
    async session(engineer = ana) {
      const { session } = await engineer.sessions.openSession({
        projectId,
        clientSessionId: randomUUID(),
        agent: "claude",
        host: "laptop",
        worktree: "/home/ana/shop",
      });
      return session?.id ?? "";
    },
    async ready(slug, touches = [], more = {}) {
      const paths = touches.map((path) => ({ path }));
      await ana.features.createFeature({ projectId, slug, title: slug, spec: "do it", touches: paths, ...more });
      await ana.features.markFeatureReady({ projectId, slug });
    },
    pick,
    async hold(slug, sessionId) {
      const { claim } = await pick(slug, sessionId);
      return claim?.fencingToken ?? 0n;
    },
    done: (slug, sessionId, fencingToken) => ana.features.completeFeature({ projectId, slug, sessionId, fencingToken }),
    async feature(slug) {
      const { feature } = await ana.features.getFeature({ projectId, slug });
      if (feature === undefined) throw new Error("GetFeature answered no feature");
      return feature;
    },
  };
}
