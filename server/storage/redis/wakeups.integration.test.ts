import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test } from "vitest";
import type { ProjectId } from "../../domain/ids.ts";
import { RedisWakeUps } from "./wakeups.ts";

const PROJECT = randomUUID() as ProjectId;

/** A server process's end of the wake-ups, with what it heard. */
function join(prefix: string) {
  const heard: string[] = [];
  const wakeUps = new RedisWakeUps(inject("redisUrl"), { prefix });
  onTestFinished(() => wakeUps.close());
  wakeUps.listen((projectId, latest) => heard.push(`${projectId} ${latest}`));
  return { wakeUps, heard };
}

/** Publishes until the other side has heard one: hints may be lost while connections are made. */
async function untilHeard(from: RedisWakeUps, heard: readonly string[]): Promise<void> {
  const before = heard.length;
  await expect
    .poll(
      () => {
        from.publish(PROJECT, 2n ** 53n);
        return heard.length;
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(before);
}

test("what one process publishes all hear, its own at once, others' prefixes not", async () => {
  const prefix = `${inject("redisPrefix")}-${randomUUID()}`;
  const [one, other, stranger] = [join(prefix), join(prefix), join(`${prefix}-else`)];

  one.wakeUps.publish(PROJECT, 1n);
  expect(one.heard).toEqual([`${PROJECT} 1`]);
  await untilHeard(one.wakeUps, other.heard);

  expect(other.heard[0]).toBe(`${PROJECT} 9007199254740992`);
  expect(stranger.heard).toEqual([]);
});

test("who was cut off hears again", async () => {
  const prefix = `${inject("redisPrefix")}-${randomUUID()}`;
  const [one, other] = [join(prefix), join(prefix)];
  await untilHeard(one.wakeUps, other.heard);
  const admin = new Redis(inject("redisUrl"));
  onTestFinished(() => admin.disconnect());

  const killed = await killSubscribers(admin);

  expect(killed).toBeGreaterThan(0);
  await untilHeard(one.wakeUps, other.heard);
});

/** Cuts the subscribers of that Redis; other tests' come back as well. */
async function killSubscribers(admin: Redis): Promise<number> {
  return (await admin.call("CLIENT", "KILL", "TYPE", "pubsub")) as number;
}
