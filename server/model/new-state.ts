import { BUDGETS, type Budgets, NOBODY, type Redis, type Scope, SPARE_CLAIMS, type State, Status } from "./state.ts";

/** The state that everything in a scope begins with. */
export function initialState(scope: Scope): State {
  const claims = scope.claims + SPARE_CLAIMS;
  const zeros = (length: number) => new Array<number>(length).fill(0);
  const begun = (session: number) => session < scope.clients && !scope.unopened;
  const sessions = zeros(scope.sessions).map((_, session) => (begun(session) ? 1 : 0));
  return {
    scope,
    redis: {
      epoch: 1,
      ready: 1,
      foreign: 0,
      jumped: 0,
      counter: 0,
      leases: [...sessions],
      claims: zeros(claims),
      touches: zeros(claims),
    },
    replica: undefined,
    postgres: {
      epoch: 1,
      sessions,
      ending: zeros(scope.sessions),
      features: scope.features.map((touches) => ({
        status: Status.ready,
        session: NOBODY,
        claim: NOBODY,
        token: 0,
        interrupted: 0,
        revision: 0,
        touches,
      })),
      rows: zeros(claims),
      touches: zeros(claims),
      shrunk: zeros(claims),
      requests: zeros(scope.clients * (1 + (scope.budgets.calls ?? 0))),
    },
    clients: Array.from({ length: scope.clients }, (_, client) => ({
      session: scope.unopened ? NOBODY : client,
      call: NOBODY,
      feature: NOBODY,
      hold: NOBODY,
      request: 0,
      knows: NOBODY,
      late: 0,
    })),
    claims: [],
    processes: new Array<undefined>(scope.servers).fill(undefined),
    late: undefined,
    work: zeros(claims),
    workTouches: zeros(claims),
    left: Object.fromEntries(BUDGETS.map((name) => [name, scope.budgets[name] ?? 0])) as Budgets,
    callsLeft: new Array<number>(scope.clients).fill(scope.budgets.calls ?? 0),
    broken: undefined,
  };
}

export function cloneState(s: State): State {
  const { redis, postgres, replica } = s;
  return {
    scope: s.scope,
    redis: cloneRedis(redis),
    replica,
    postgres: {
      epoch: postgres.epoch,
      sessions: postgres.sessions.slice(),
      ending: postgres.ending.slice(),
      features: postgres.features.map((feature) => ({ ...feature })),
      rows: postgres.rows.slice(),
      touches: postgres.touches.slice(),
      shrunk: postgres.shrunk.slice(),
      requests: postgres.requests.slice(),
    },
    clients: s.clients.map((client) => ({ ...client })),
    claims: s.claims.slice(),
    processes: s.processes.map((process) => process && { ...process }),
    late: s.late && { ...s.late },
    work: s.work.slice(),
    workTouches: s.workTouches.slice(),
    left: { ...s.left },
    callsLeft: s.callsLeft.slice(),
    broken: s.broken,
  };
}

export function cloneRedis(redis: Redis): Redis {
  return { ...redis, leases: redis.leases.slice(), claims: redis.claims.slice(), touches: redis.touches.slice() };
}
