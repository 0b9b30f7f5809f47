import type { ServiceImpl } from "@connectrpc/connect";
import { type AuthService, ListApiKeysRequestSchema } from "@nexus/gen/nexus/v1/auth_service_pb";
import { createApiKey } from "../domain/auth/create-api-key.ts";
import type { AuthDeps } from "../domain/auth/deps.ts";
import { getCurrentEngineer } from "../domain/auth/get-current-engineer.ts";
import { register } from "../domain/auth/register.ts";
import { revokeApiKey } from "../domain/auth/revoke-api-key.ts";
import { FieldParser } from "../domain/field-parser.ts";
import { anonymousRequestKey, callerOf } from "./context.ts";
import {
  apiKeyIdFromProto,
  apiKeyListKeyFromToken,
  apiKeyToProto,
  engineerToProto,
  lifetimeFromProto,
  scopeFromProto,
} from "./convert/engineer.ts";
import { spanFromProto } from "./convert/time.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

/** The rpcs of AuthService that exist so far; the others answer UNIMPLEMENTED. */
export function authService(deps: AuthDeps): Partial<ServiceImpl<typeof AuthService>> {
  return {
    async register(request, context) {
      const fields = new FieldParser();
      const name = fields.line("name", request.name, 1, 100);
      const email = fields.email("email", request.email);
      const keyName = fields.line("key_name", request.keyName, 0, 100);
      fields.done();
      const registered = await register(deps, context.values.get(anonymousRequestKey), { name, email, keyName });
      return { engineer: engineerToProto(registered.engineer), apiKey: registered.apiKey };
    },

    async getCurrentEngineer(_request, context) {
      const { engineer, apiKey } = await getCurrentEngineer(deps, callerOf(context));
      return { engineer: engineerToProto(engineer), apiKey: apiKeyToProto(apiKey) };
    },

    async createApiKey(request, context) {
      const fields = new FieldParser();
      const name = fields.line("name", request.name, 0, 100);
      const scope = scopeFromProto(fields, "scope", request.scope);
      const lifetimeMs = lifetimeFromProto(fields, "lifetime", spanFromProto(request.lifetime));
      fields.done();
      const made = await createApiKey(deps, callerOf(context), { name, scope, lifetimeMs });
      return { key: apiKeyToProto(made.key), apiKey: made.apiKey };
    },

    async listApiKeys(request, context) {
      const fields = new FieldParser();
      const size = fields.pageSize(request.pageSize);
      const after = apiKeyListKeyFromToken(fields, decodePageToken(ListApiKeysRequestSchema, request));
      fields.done();
      const page = await deps.database.read.apiKeys.list(callerOf(context).engineerId, { size, after });
      return {
        apiKeys: page.items.map(apiKeyToProto),
        nextPageToken: encodePageToken(ListApiKeysRequestSchema, request, page.next),
      };
    },

    async revokeApiKey(request, context) {
      const fields = new FieldParser();
      const keyId = apiKeyIdFromProto(fields, "key_id", request.keyId);
      fields.done();
      await revokeApiKey(deps, callerOf(context), keyId);
      return {};
    },
  };
}
