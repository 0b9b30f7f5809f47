import { budgetsOf, CLAIM_SIZE, PROCESS_SIZE } from "./pack.ts";
import { BUDGETS, type Budgets, type Process, type Redis, type Scope, SPARE_CLAIMS, type State } from "./state.ts";

/** Reads the words that a Packer wrote without renaming anything. */
export function unpackState(scope: Scope, words: Uint32Array): State {
  const packed = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const { clients, sessions } = scope;
  const budgets = budgetsOf(scope);
  let from = 0;
  const get = () => packed[from++] ?? 0;
  const align = () => {
    while (from % 4 !== 0) from++;
  };
  const getAll = (count: number, length = count) => {
    const values = new Array<number>(length).fill(0);
    for (let i = 0; i < count; i++) values[i] = get();
    return values;
  };
  const getClaims = () => getAll(scope.claims, scope.claims + SPARE_CLAIMS);
  const getRedis = (): Redis => {
    const epoch = get();
    const bits = get();
    const [leases, claims, touches] = [getAll(sessions), getClaims(), getClaims()];
    const [ready, foreign, jumped, counter] = [bits & 1, (bits >> 1) & 1, (bits >> 2) & 1, bits >> 3];
    return { epoch, ready, foreign, jumped, counter, leases, claims, touches };
  };
  const getProcess = (): Process | undefined => {
    const kind = get() - 1;
    if (kind < 0) {
      from += PROCESS_SIZE - 1;
      return undefined;
    }
    const [step, client, session, request, featureAndHeard] = [get(), get(), get(), get(), get()];
    const [epoch, claim, hold, target, next, claims] = [get(), get(), get(), get(), get(), get()];
    const [revisionAndTouches, read, readMore] = [get(), get(), get()];
    return {
      ...{ kind, step, client, session, request, epoch, claim, hold, target, next, claims },
      feature: featureAndHeard & 15,
      heard: featureAndHeard >> 4,
      revision: revisionAndTouches & 15,
      touches: revisionAndTouches >> 4,
      read: read + (readMore << 8),
    };
  };

  const redis = getRedis();
  const epoch = get();
  const [sessionStates, ending] = [getAll(sessions), getAll(sessions)];
  const features = scope.features.map(() => {
    const [status, session, claim, token] = [get(), get(), get(), get()];
    const [interrupted, revision, touches] = [get(), get(), get()];
    return { status, session, claim, token, interrupted, revision, touches };
  });
  const [rows, touches, shrunk] = [getClaims(), getClaims(), getClaims()];
  const requests = getAll(clients * (1 + (scope.budgets.calls ?? 0)));
  const knowledge = Array.from({ length: clients }, () => {
    const [session, call, feature, hold, request, knowsAndLate] = [get(), get(), get(), get(), get(), get()];
    return { session, call, feature, hold, request, knows: knowsAndLate & 15, late: knowsAndLate >> 4 };
  });
  const count = get();
  const claims = [];
  for (let id = 0; id < count; id++) {
    const [session, feature, token, client, request, replaces] = [get(), get(), get(), get(), get(), get()];
    claims.push({ session, feature, token, client, request, replaces });
  }
  from += (scope.claims - count) * CLAIM_SIZE;
  const [work, workTouches] = [getClaims(), getClaims()];
  align();
  const left = Object.fromEntries(BUDGETS.map((name) => [name, 0])) as Budgets;
  for (const budget of budgets) left[budget] = get();
  const callsLeft = getAll(clients);
  let replica: Redis | undefined;
  if (budgets.includes("failovers")) {
    const isCopied = get() === 1;
    const copy = getRedis();
    replica = isCopied ? copy : undefined;
  }
  const processes = Array.from({ length: scope.servers }, getProcess);
  const late = budgets.includes("unanswered") ? getProcess() : undefined;
  return {
    scope,
    redis,
    replica,
    postgres: { epoch, sessions: sessionStates, ending, features, rows, touches, shrunk, requests },
    clients: knowledge,
    ...{ claims, processes, late, work, workTouches, left, callsLeft },
    broken: undefined,
  };
}
