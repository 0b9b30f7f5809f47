import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../../domain/errors.ts";
import type { RedisServers } from "./redis-servers.ts";
import { ScriptRunner } from "./script-runner.ts";

/** No server is ever asked; counts how often one was doubted. */
class NoServers implements RedisServers {
  doubts = 0;

  async serverOf(): Promise<Redis> {
    return {} as Redis;
  }

  async all(): Promise<readonly Redis[]> {
    return [];
  }

  doubt(): void {
    this.doubts += 1;
  }
}

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: "ReplyError" });
}

test.each([
  new TypeError("x is not a function"),
  new ReferenceError("x is not defined"),
  new RangeError("Invalid array length"),
  new SyntaxError("Unexpected token"),
  replyError("ERR user_script:7: attempt to index a nil value"),
])(
  "a mistake in our own code goes through as it is, and nobody is told that the store is away: %s",
  async (mistake) => {
    const servers = new NoServers();
    const runner = new ScriptRunner(servers);

    await expect(runner.at(["key"], () => Promise.reject(mistake))).rejects.toBe(mistake);

    expect(servers.doubts).toBe(0);
  },
);

test.each([
  new Error("Connection is closed."),
  Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
  Object.assign(new RangeError("Port should be < 65536"), { code: "ERR_SOCKET_BAD_PORT" }),
  replyError("LOADING Redis is loading the dataset in memory"),
])("what goes wrong on the way is a store that is unavailable: %s", async (cause) => {
  const servers = new NoServers();
  const runner = new ScriptRunner(servers);

  const failure = runner.at(["key"], () => Promise.reject(cause));

  await expect(failure).rejects.toBeInstanceOf(StoreUnavailableError);
  await expect(failure).rejects.toMatchObject({ cause });
  expect(servers.doubts).toBe(1);
});
