import { expect, test } from "vitest";
import { checkServer, RedisUnsuitableError } from "./connect.ts";

const info = (version: string, policy: string) =>
  `# Server\r\nredis_version:${version}\r\n# Memory\r\nmaxmemory_policy:${policy}\r\n`;

test.each(["7.0.15", "8.2.1"])("takes Redis %s that never evicts", (version) => {
  expect(() => checkServer(info(version, "noeviction"))).not.toThrow();
});

test.each(["6.2.14", "5.0.7"])("refuses Redis %s and says which is needed", (version) => {
  expect(() => checkServer(info(version, "noeviction"))).toThrow(new RedisUnsuitableError("version", version, "7"));
});

test.each(["allkeys-lru", "volatile-ttl"])("refuses the policy %s and says what to set", (policy) => {
  expect(() => checkServer(info("7.2.4", policy))).toThrow(
    new RedisUnsuitableError("maxmemory-policy", policy, "noeviction"),
  );
});

test("refuses a server that does not say what it is", () => {
  expect(() => checkServer("")).toThrow(RedisUnsuitableError);
});
