import type { ServerReason } from "@nexus/client";
import { ErrorReason } from "@nexus/gen/nexus/v1/error_reason_pb";
import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-codes.ts";

const REASONS = Object.keys(ErrorReason).filter((name) => Number.isNaN(Number(name))) as ServerReason[];

test.each([
  [3, ["CLAIM_CONFLICT", "FEATURE_ALREADY_HELD", "SESSION_BUSY", "NOTHING_AVAILABLE"]],
  [4, ["CLAIMS_RECOVERING", "STORE_UNAVAILABLE", "DEADLINE_EXCEEDED", "SERVER_DRAINING"]],
  [5, ["CREDENTIALS_INVALID", "PERMISSION_DENIED", "REGISTRATION_CLOSED"]],
  [6, ["FENCING_TOKEN_STALE", "SESSION_EXPIRED", "CLAIM_LOST"]],
])("exit code %d stands for exactly %j", (code, reasons) => {
  expect(REASONS.filter((reason) => exitCodeOf(reason) === code).sort()).toEqual([...reasons].sort());
});

test("every other refusal is a plain failure, and a server that is not there is code 4", () => {
  expect(exitCodeOf("REQUEST_INVALID")).toBe(1);
  expect(exitCodeOf("RESOURCE_NOT_FOUND")).toBe(1);
  expect(exitCodeOf("SERVER_UNREACHABLE")).toBe(4);
});
