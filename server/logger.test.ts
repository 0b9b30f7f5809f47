import { expect, test } from "vitest";
import { Call, withinCall } from "./current-call.ts";
import { formatApiKey, randomApiKeyId, randomSecret } from "./domain/auth/api-key-format.ts";
import { createLogger } from "./logger.ts";

/** What a logger writes, parsed. */
function loggerIntoMemory() {
  const lines: string[] = [];
  const logger = createLogger("info", { write: (line) => lines.push(line) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

test("of a failed query the log has the text, what caused it and where, and no parameter of however many lines", () => {
  const { logger, lines, last } = loggerIntoMemory();
  const cause = Object.assign(new Error("canceling statement"), {
    code: "57014",
    detail: "Failing row contains (s3cret)",
  });
  const params = ["one s3cret", "two\n    at s3cret\nparams: s3cret"];
  const failed = Object.assign(new Error(`Failed query: select 1\nparams: ${params}`, { cause }), {
    query: "select 1",
    params,
  });

  logger.error({ err: new Error("store unavailable", { cause: failed }) }, "call failed");

  expect(last()["err"]).toMatchObject({
    type: "Error",
    code: "57014",
    message: "store unavailable: Failed query: select 1: canceling statement",
    stack: expect.stringMatching(/^store unavailable\n {4}at .*\ncaused by: Failed query: select 1\n {4}at .*/s),
  });
  expect(lines.join()).not.toContain("s3cret");
});

test("an API key does not get into the log, wherever it was put", () => {
  const { logger, lines } = loggerIntoMemory();
  const key = formatApiKey({ id: randomApiKeyId(), secret: randomSecret() });

  logger.info({ reason: `because of ${key}`, list: [{ [key]: key }] }, `told ${key}`);

  expect(lines.join()).toContain("because of nxs_…");
  expect(lines.join()).not.toContain(key.slice(-20));
});

test("what a call leaves to be done belongs to it, and what the server does by itself to none", async () => {
  const { logger, last } = loggerIntoMemory();
  const call = new Call({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" });

  await withinCall(call, async () => {
    await new Promise(setImmediate);
    logger.warn("later");
  });

  expect(last()).toMatchObject({
    call: call.id,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    span_id: call.trace.spanId,
    parent_span_id: "b7ad6b7169203331",
  });
  logger.warn("by itself");
  expect(Object.keys(last())).toEqual(["level", "time", "msg"]);
});
