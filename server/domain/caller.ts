import type { ApiKeyScope } from "./auth/api-key.ts";
import type { RequestKey } from "./database.ts";
import type { EngineerId } from "./ids.ts";

/** Who makes a call, and under which request id. */
export interface Caller {
  readonly engineerId: EngineerId;
  readonly engineerName: string;
  readonly keyId: string;
  readonly scope: ApiKeyScope;
  /** Set for mutations that came with a request id. */
  readonly request: RequestKey | undefined;
}
