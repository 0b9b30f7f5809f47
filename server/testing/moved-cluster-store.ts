import type { ClaimScope, ClaimStore } from "../domain/claims/claim-store.ts";
import type { ProjectId } from "../domain/ids.ts";
import { RedisClaimStore } from "../storage/redis/claim-store.ts";
import { projectKeys } from "../storage/redis/keys.ts";
import type { RedisCluster } from "../storage/redis/redis-cluster.ts";
import type { SearchBounds, StoreUnderTest } from "./claim-store-fixture.ts";
import { redisBounds } from "./moved-redis-store.ts";

const PREFIX = "nexus";
/** The time of a project stands beside its other keys: a script in a Cluster reads no key of another slot. */
const CLOCK = "local function clock() return tonumber(redis.call('GET', (KEYS[1]:gsub('state$', 'clock')))) end";
const MAX_TICK_GAP = (ms: number | undefined) => `local MAX_TICK_GAP_MS = ${ms ?? "math.huge"}`;

/** A claim store over a Redis Cluster whose time moves only when it is told to. Needs a Cluster of its own. */
export async function movedClusterStore(cluster: RedisCluster, bounds: SearchBounds = {}): Promise<StoreUnderTest> {
  let now = Date.parse("2026-01-01");
  const projects = new Set<ProjectId>();
  const setClock = async (projectId: ProjectId) => {
    const key = `${PREFIX}:{${projectId}}:clock`;
    await (await cluster.serverOf(key)).set(key, now);
  };
  const store = new RedisClaimStore(cluster, {
    ...redisBounds(bounds),
    prefix: PREFIX,
    nowSource: `${CLOCK}\n${MAX_TICK_GAP(bounds.maxTickGapMs)}`,
  });
  return {
    store: whoseCallsBegin(store, async (projectId) => {
      if (!projects.has(projectId)) {
        projects.add(projectId);
        await setClock(projectId);
      }
    }),
    advance: async (ms) => {
      now += ms;
      await Promise.all([...projects].map(setClock));
    },
    leftovers: async (projectId) => {
      const [state = "", ...keys] = projectKeys(PREFIX, projectId);
      const redis = await cluster.serverOf(state);
      const left = await Promise.all(keys.map(async (key) => ((await redis.exists(key)) === 1 ? key : undefined)));
      return left.filter((key) => key !== undefined);
    },
  };
}

/** The store, with something to do first before each call about a project. */
function whoseCallsBegin(store: ClaimStore, first: (projectId: ProjectId) => Promise<void>): ClaimStore {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: readonly [ClaimScope | ProjectId | undefined, ...unknown[]]) => {
        const [about] = args;
        const projectId = typeof about === "object" ? about.projectId : about;
        if (projectId !== undefined) await first(projectId);
        return Reflect.apply(method, target, args);
      };
    },
  });
}
