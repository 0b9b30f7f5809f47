import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ApiKeySchema, type EngineerSchema, ApiKeyScope as ProtoScope } from "@nexus/gen/nexus/v1/engineer_pb";
import type { ApiKey, ApiKeyListKey, ApiKeyScope } from "../../domain/auth/api-key.ts";
import { isApiKeyId } from "../../domain/auth/api-key-format.ts";
import type { Engineer } from "../../domain/auth/engineer.ts";
import type { FieldParser } from "../../domain/field-parser.ts";
import { timeFromToken } from "../page-token.ts";
import { timeToProto } from "./time.ts";

const SCOPES: Record<ApiKeyScope, ProtoScope> = { full: ProtoScope.FULL, read: ProtoScope.READ };
/** A hundred years: what comes out can still be written as a timestamp. */
const MAX_LIFETIME_MS = 100 * 365 * 24 * 60 * 60 * 1_000;

/** A person, for the wire. */
export function engineerToProto(engineer: Engineer): MessageInitShape<typeof EngineerSchema> {
  const { id, name, email } = engineer;
  return { id, name, email, createTime: timeToProto(engineer.createTime) };
}

/** What is known of a key, for the wire. */
export function apiKeyToProto(key: ApiKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    id: key.id,
    name: key.name,
    lastFour: key.lastFour,
    scope: SCOPES[key.scope],
    createTime: timeToProto(key.createTime),
    lastUsedTime: timeToProto(key.lastUsedTime),
    expireTime: timeToProto(key.expireTime),
  };
}

/** A scope that may be left out: then it is `full`. */
export function scopeFromProto(fields: FieldParser, field: string, scope: ProtoScope): ApiKeyScope {
  switch (scope) {
    case ProtoScope.UNSPECIFIED:
    case ProtoScope.FULL:
      return "full";
    case ProtoScope.READ:
      return "read";
    default:
      fields.reject(field, `${scope satisfies never} is not a scope; API_KEY_SCOPE_FULL or API_KEY_SCOPE_READ`);
      return "read";
  }
}

/** How long a key lives; undefined is for good. */
export function lifetimeFromProto(fields: FieldParser, field: string, lifetimeMs: number | undefined) {
  if (lifetimeMs !== undefined && !(lifetimeMs > 0 && lifetimeMs <= MAX_LIFETIME_MS)) {
    fields.reject(field, `must be positive and at most ${MAX_LIFETIME_MS / 1_000} s (100 years); none for good`);
  }
  return lifetimeMs;
}

/** The id of a key. */
export function apiKeyIdFromProto(fields: FieldParser, field: string, id: string): string {
  if (!isApiKeyId(id)) {
    fields.reject(field, "is not the id of a key: 12 letters and digits, as ListApiKeys answers or as in nxs_<id>_…");
  }
  return id;
}

/** Where a list of keys goes on, from what its page token carries. */
export function apiKeyListKeyFromToken(fields: FieldParser, key: unknown): ApiKeyListKey | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "object" && key !== null && "id" in key && "createTime" in key) {
    const { id, createTime } = key;
    const time = timeFromToken(createTime);
    if (typeof id === "string" && isApiKeyId(id) && time !== undefined) return { createTime: time, id };
  }
  fields.reject("page_token", "is not a token of this list");
  return undefined;
}
