import { randomBytes, randomUUID } from "node:crypto";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type Transport,
} from "@connectrpc/connect";
import { AuthService } from "@nexus/gen/nexus/v1/auth_service_pb";
import { ProjectService } from "@nexus/gen/nexus/v1/project_service_pb";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { Argon2Hasher } from "../argon2-hasher.ts";
import { BoundedHasher } from "../domain/auth/bounded-hasher.ts";
import type { AuthDeps, Registration } from "../domain/auth/deps.ts";
import { KeyMaker } from "../domain/auth/key-maker.ts";
import { KeyVerifier } from "../domain/auth/key-verifier.ts";
import type { Database } from "../domain/database.ts";
import type { EngineerId, ProjectId } from "../domain/ids.ts";
import { authService } from "../rpc/auth-service.ts";
import { authenticate } from "../rpc/interceptors/authenticate.ts";
import { reportCall } from "../rpc/interceptors/report-call.ts";
import { projectService } from "../rpc/project-service.ts";
import { connectPostgres } from "../storage/postgres/connect.ts";
import { PostgresDatabase } from "../storage/postgres/database.ts";
import { createTestDatabase } from "./test-database.ts";

/** Somebody who calls, with or without a key. */
export interface ApiCaller {
  readonly auth: Client<typeof AuthService>;
  readonly projects: Client<typeof ProjectService>;
}

/** AuthService and ProjectService in process, over a PostgreSQL database of the test's own. */
export interface ApiServer {
  readonly deps: AuthDeps;
  /** Calls of ports that lead out of these two services, in order. */
  readonly endedSessions: { readonly projectId: ProjectId; readonly engineerId: EngineerId }[];
  readonly forgottenProjects: ProjectId[];
  as(key: string | undefined): ApiCaller;
  /** Registers somebody of that name; the email begins with it and is new. */
  join(name: string): Promise<ApiCaller & { readonly id: string; readonly email: string; readonly key: string }>;
}

/** What several servers of one test share. */
export interface ApiWorld {
  readonly database: Database;
  /** The test moves it. */
  readonly clock: { nowMs: number };
  server(options?: { readonly registration?: Registration }): ApiServer;
}

/** A world that nobody has registered in, for one test. */
export async function emptyApi(): Promise<ApiWorld> {
  const { world, close } = await openWorld();
  onTestFinished(close);
  return world;
}

/** One world for all tests of a file: each registers engineers of its own. */
export function sharedApi(): ApiWorld {
  let opened: Awaited<ReturnType<typeof openWorld>> | undefined;
  const world = () => {
    if (opened === undefined) throw new Error("the shared world is there once tests run");
    return opened.world;
  };
  beforeAll(async () => {
    opened = await openWorld();
  });
  afterAll(() => opened?.close());
  return {
    get database() {
      return world().database;
    },
    get clock() {
      return world().clock;
    },
    server: (options) => world().server(options),
  };
}

async function openWorld(): Promise<{ world: ApiWorld; close: () => Promise<void> }> {
  const { url, drop } = await createTestDatabase();
  const database = new PostgresDatabase(connectPostgres(url, 8));
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  const world: ApiWorld = {
    database,
    clock,
    server: (options) => serverOver(database, { now: () => new Date(clock.nowMs) }, options?.registration ?? "open"),
  };
  return {
    world,
    async close() {
      await database.close();
      await drop();
    },
  };
}

function serverOver(database: Database, clock: AuthDeps["clock"], registration: Registration): ApiServer {
  const salt = "a salt that only tests use";
  const hasher = new BoundedHasher(new Argon2Hasher(salt));
  const verifier = new KeyVerifier({ apiKeys: database.read.apiKeys, clock, hasher });
  const keys = new KeyMaker(hasher, salt);
  const deps: AuthDeps = { database, clock, newId: randomUUID, keys, verifier, registration };
  const endedSessions: ApiServer["endedSessions"] = [];
  const forgottenProjects: ProjectId[] = [];

  const projectDeps = {
    ...deps,
    endSessionsOf: async ({ id }: { id: ProjectId }, engineerId: EngineerId) => {
      endedSessions.push({ projectId: id, engineerId });
    },
    forgetClaims: async (id: ProjectId) => {
      forgottenProjects.push(id);
    },
    getProjectStatus: async () => {
      throw new ConnectError("not served here", Code.Unimplemented);
    },
  };
  const transportWith = (key: string | undefined): Transport =>
    createRouterTransport(
      (router) => {
        router.service(AuthService, authService(deps));
        router.service(ProjectService, projectService(projectDeps));
      },
      {
        router: { interceptors: [reportCall(() => {}), authenticate(verifier)] },
        transport: {
          interceptors: [
            (next) => (call) => {
              if (key !== undefined) call.header.set("authorization", `Bearer ${key}`);
              return next(call);
            },
          ],
        },
      },
    );
  const as = (key: string | undefined): ApiCaller => {
    const transport = transportWith(key);
    return { auth: createClient(AuthService, transport), projects: createClient(ProjectService, transport) };
  };
  return {
    deps,
    endedSessions,
    forgottenProjects,
    as,
    async join(name) {
      const email = `${name}-${randomBytes(4).toString("hex")}@example.com`;
      const { engineer, apiKey } = await as(undefined).auth.register({ name, email });
      return { ...as(apiKey), id: engineer?.id ?? "", email, key: apiKey };
    },
  };
}
