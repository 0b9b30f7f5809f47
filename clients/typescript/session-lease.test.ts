import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createRouterTransport } from "@connectrpc/connect";
import { ClaimSchema, ClaimState } from "@nexus/gen/nexus/v1/claim_pb";
import { SessionService } from "@nexus/gen/nexus/v1/session_service_pb";
import { expect, test } from "vitest";
import { createServiceClient } from "./service-client.ts";
import { SessionLease, unansweredClaim } from "./session-lease.ts";

const SESSION = { projectId: "p", sessionId: "s" };

/** A server whose leases are 300 s and whose answers take 7 s; its clock is another one than the client's. */
function leased() {
  const time = { wall: 1_000_000, steady: 50 };
  const asked: { tokens: bigint[] }[] = [];
  let refusing = false;
  const transport = createRouterTransport(({ service }) => {
    service(SessionService, {
      heartbeatSession({ fencingTokens }) {
        asked.push({ tokens: fencingTokens });
        if (refusing) throw new Error("away");
        time.wall += 7_000;
        time.steady += 7_000;
        return { session: { lastHeartbeatTime: timestampFromMs(5_000), expireTime: timestampFromMs(305_000) } };
      },
    });
  });
  const sessions = createServiceClient(SessionService, transport, { baseUrl: "http://test", timeoutMs: 1_000 });
  const lease = new SessionLease(sessions.heartbeatSession, SESSION, {
    wall: () => time.wall,
    steady: () => time.steady,
  });
  return {
    lease,
    time,
    asked,
    refuse() {
      refusing = true;
    },
  };
}

test("a lease is counted from when the heartbeat was sent, and renewed after a third of it", async () => {
  const { lease, time, asked } = leased();
  expect([lease.isDue, lease.heldUntil]).toEqual([true, undefined]);

  await lease.renew([4n]);

  expect(asked).toEqual([{ tokens: [4n] }]);
  expect(lease.heldUntil?.getTime()).toBe(1_000_000 + 300_000);
  time.wall = 1_000_000 + 99_999;
  expect(lease.isDue).toBe(false);
  time.wall = 1_000_000 + 100_000;
  expect(lease.isDue).toBe(true);
});

test("a clock that was set back does not put a heartbeat off", async () => {
  const { lease, time } = leased();
  await lease.renew([]);

  time.wall -= 3_600_000;
  time.steady = 50 + 100_000;

  expect(lease.isDue).toBe(true);
});

test("a heartbeat without an answer promises nothing and is soon due again", async () => {
  const { lease, time, refuse } = leased();
  await lease.renew([]);
  const { heldUntil } = lease;
  refuse();

  await expect(lease.renew([])).rejects.toThrow();

  expect(lease.heldUntil).toEqual(heldUntil);
  expect(lease.isDue).toBe(false);
  time.steady += 3_000;
  expect(lease.isDue).toBe(true);
});

test("the claim that nobody was told of is the pick's, not its extension's, nor one that drains", () => {
  const claim = (fencingToken: bigint, state = ClaimState.HELD) => create(ClaimSchema, { fencingToken, state });
  const claims = [claim(9n), claim(7n), claim(3n, ClaimState.DRAINING)];

  expect(unansweredClaim(claims, undefined)?.fencingToken).toBe(7n);
  expect(unansweredClaim(claims, 3n)?.fencingToken).toBe(7n);
  expect(unansweredClaim(claims, 7n)).toBeUndefined();
  expect(unansweredClaim([], undefined)).toBeUndefined();
});
