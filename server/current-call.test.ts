import { expect, test, vi } from "vitest";
import { Call } from "./current-call.ts";

test("waits at the same time count once, and a wait under way counts so far", () => {
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  const call = new Call();
  const first = call.wait("postgres");
  now.mockReturnValue(10);
  const second = call.wait("postgres");
  now.mockReturnValue(30);
  first();
  now.mockReturnValue(35);
  expect(call.waitedMs("postgres")).toBe(35);
  second();
  now.mockReturnValue(100);
  call.wait("postgres")();
  call.wait("redis");
  now.mockReturnValue(107);

  expect([call.waitedMs("postgres"), call.waitedMs("redis"), call.waitedMs("queue")]).toEqual([35, 7, 0]);
  now.mockRestore();
});

test("a call has a span of its own, in the caller's trace or a new one", () => {
  const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  const within = new Call(parent).trace;
  expect(within).toEqual({
    traceId: parent.traceId,
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    parentId: parent.spanId,
  });
  expect(within.spanId).not.toBe(parent.spanId);
  expect(new Call().trace).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/), parentId: undefined });
});
