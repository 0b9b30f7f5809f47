/** Makes a string type of its own, so that a project id can't be passed where a session id is meant. */
export type Branded<Name extends string> = string & { readonly __brand: Name };

/** An engineer's id: a UUID. */
export type EngineerId = Branded<"EngineerId">;
/** A project's id: a UUID. */
export type ProjectId = Branded<"ProjectId">;
/** A feature's id within the server: a UUID. Callers name features by slug. */
export type FeatureId = Branded<"FeatureId">;
/** A session's id: a UUID. */
export type SessionId = Branded<"SessionId">;
/** A claim's id (the `cid` of the protocol): a UUID, new for every attempt. */
export type ClaimId = Branded<"ClaimId">;
/** A checkpoint's id: a UUID. */
export type CheckpointId = Branded<"CheckpointId">;
/** A decision's id: a UUID. */
export type DecisionId = Branded<"DecisionId">;
/** A feature's or project's name in URLs and commands: `[a-z0-9][a-z0-9-]{0,62}`. */
export type Slug = Branded<"Slug">;
