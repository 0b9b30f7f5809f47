import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { NexusError } from "@nexus/client";
import { BadRequestSchema } from "@nexus/gen/google/rpc/error_details_pb";
import { ClaimConflictSchema, SessionExpiredSchema } from "@nexus/gen/nexus/v1/error_details_pb";
import { expect, test } from "vitest";
import { describeError } from "./describe-error.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const VIEW = { terminal: { width: undefined, color: false }, now: NOW, subject: "other" };
const HOLDER = {
  engineerName: "Ana",
  agent: "claude",
  sessionId: "s1",
  featureSlug: "login",
  acquireTime: timestampFromMs(NOW.getTime() - 180_000),
  expireTime: timestampFromMs(NOW.getTime() + 240_000),
};

function conflict(detail: Parameters<typeof create<typeof ClaimConflictSchema>>[1]) {
  const details = [create(ClaimConflictSchema, detail)];
  return new NexusError({ code: "failed_precondition", reason: "CLAIM_CONFLICT", message: "told", details });
}

test("a refusal says what is blocked, by whom, on what, since and until when, and what to run next", () => {
  const error = conflict({
    blocked: [
      { touch: { path: "src/auth.ts" }, heldPath: "src/**", witnessPath: "src/auth.ts", holder: HOLDER },
      { touch: { path: "src/*/a.ts" }, heldPath: "src/ui/*", witnessPath: "src/ui/a.ts", holder: HOLDER },
      {
        touch: { path: "go.mod" },
        heldPath: "go.mod",
        witnessPath: "go.mod",
        holder: { ...HOLDER, sessionId: "s2", agent: "" },
      },
    ],
    suggestions: [
      { slug: "docs", title: "Write it down" },
      { slug: "tests", title: "Test it" },
    ],
  });

  expect(describeError(error, VIEW)).toBe(
    [
      "other is blocked: 3 paths that it touches are held",
      "  Ana (claude) works on login, since 3 min ago, expires in 4 min unless renewed",
      "    src/auth.ts  overlaps src/**",
      "    src/*/a.ts   overlaps src/ui/*; both would write src/ui/a.ts",
      "  Ana works on login, since 3 min ago, expires in 4 min unless renewed",
      "    go.mod",
      "free as well: tests",
      "next: nexus pick docs   (Write it down, free now)",
      "",
    ].join("\n"),
  );
});

test("a refusal without anything free says so", () => {
  const error = conflict({ blocked: [{ touch: { path: "a" }, heldPath: "a", holder: HOLDER }] });

  expect(describeError(error, VIEW)).toContain("nothing else is free now\nnext: nexus pick other --wait");
});

test("what others called themselves can't act on the terminal", () => {
  const holder = { ...HOLDER, engineerName: "\u001b]0;gotcha\u0007" };

  const text = describeError(conflict({ blocked: [{ touch: { path: "a\u009b2J" }, holder }] }), VIEW);

  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  expect(text).toContain("\\u{1b}]0;gotcha\\u{7}");
});

test("an expired session names what it lost and how to take it up again", () => {
  const details = [create(SessionExpiredSchema, { lostFeatureSlug: "login", lostTouches: [{ path: "src/auth.ts" }] })];
  const error = new NexusError({
    code: "failed_precondition",
    reason: "SESSION_EXPIRED",
    message: "it ended",
    details,
  });

  expect(describeError(error, VIEW)).toBe(
    "it ended\n  it lost login and its files: src/auth.ts\nnext: nexus pick login\n",
  );
});

test("wrong fields are listed unless the sentence names them already", () => {
  const details = [
    create(BadRequestSchema, { fieldViolations: [{ field: "touches[0].path", description: "is empty" }] }),
  ];
  const error = (message: string) =>
    new NexusError({ code: "invalid_argument", reason: "PATH_INVALID", message, details });

  expect(describeError(error("a path is wrong"), VIEW)).toBe("a path is wrong\n  touches[0].path: is empty\n");
  expect(describeError(error("touches[0].path: is empty"), VIEW)).toBe("touches[0].path: is empty\n");
});

test("of what an older server lacks the versions are shown", () => {
  const error = new NexusError({ code: "unimplemented", reason: "INTERNAL", message: "not implemented" });

  expect(describeError(error, VIEW)).toBe("not implemented\nnext: nexus version\n");
});
