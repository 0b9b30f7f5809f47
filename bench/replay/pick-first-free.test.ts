import { create } from "@bufbuild/protobuf";
import { NexusError, type NexusErrorReason } from "@nexus/client";
import { type ClaimConflict, ClaimConflictSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { expect, test } from "vitest";
import { pickFirstFree } from "./pick-first-free.ts";

function refusal(reason: NexusErrorReason, ...details: readonly ClaimConflict[]): NexusError {
  return new NexusError({ code: "failed_precondition", reason, message: reason, details });
}

/** A refusal with these suggestions. */
function conflict(...slugs: readonly string[]): NexusError {
  const suggestions = slugs.map((slug) => ({ slug }));
  return refusal("CLAIM_CONFLICT", create(ClaimConflictSchema, { suggestions }));
}

/** Picks from a window under a server that refuses those features; answers what was asked for, and what was got. */
async function pickWith(window: readonly string[], refusals: Readonly<Record<string, NexusError>>) {
  const asked: string[] = [];
  const got = await pickFirstFree(window, async (slug) => {
    asked.push(slug);
    const refused = refusals[slug];
    if (refused !== undefined) throw refused;
    return slug;
  });
  return { asked, got };
}

const taken = refusal("FEATURE_ALREADY_HELD");

test("the first in the window is taken when it is free", async () => {
  expect(await pickWith(["a", "b"], {})).toEqual({ asked: ["a"], got: "a" });
});

test("what somebody else was faster to take is passed over, in the order of the window", async () => {
  const done = refusal("STATUS_TRANSITION_INVALID");
  expect(await pickWith(["a", "b", "c"], { a: taken, b: done })).toEqual({ asked: ["a", "b", "c"], got: "c" });
});

test("after a conflict the first suggestion is next: what stands before it was not free", async () => {
  expect(await pickWith(["a", "b", "c", "d"], { a: conflict("c", "d") })).toEqual({ asked: ["a", "c"], got: "c" });
});

test("suggestions are tried in the window's order, then what comes after the third", async () => {
  const refusals = { a: conflict("c", "d", "f"), c: taken, d: taken, f: taken };
  const { asked, got } = await pickWith(["a", "b", "c", "d", "e", "f", "g"], refusals);
  expect(asked).toEqual(["a", "c", "d", "f", "g"]);
  expect(got).toBe("g");
});

test("fewer than three suggestions are all that was free", async () => {
  const { asked, got } = await pickWith(["a", "b", "c", "d"], { a: conflict("c"), c: taken });
  expect(asked).toEqual(["a", "c"]);
  expect(got).toBeUndefined();
});

test("suggestions from beyond the window are left alone", async () => {
  expect(await pickWith(["a", "b"], { a: conflict("y", "z") })).toEqual({ asked: ["a"], got: undefined });
});

test("every other failure ends the search", async () => {
  await expect(pickWith(["a", "b"], { a: refusal("SESSION_EXPIRED") })).rejects.toThrow("SESSION_EXPIRED");
});
