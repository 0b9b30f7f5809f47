import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Checkpoint, CheckpointSchema } from "@nexus/gen/nexus/v1/session_pb";
import type { SaveCheckpointRequest } from "@nexus/gen/nexus/v1/session_service_pb";
import type { FieldParser } from "../../domain/field-parser.ts";
import type { CheckpointContent, Checkpoint as DomainCheckpoint } from "../../domain/sessions/checkpoint.ts";
import { touchToProto } from "./feature.ts";
import { timeToProto } from "./time.ts";

const MAX_CONTEXT = 100_000;
const MAX_DATA_BYTES = 256 * 1024;
const MAX_CHANGED_PATHS = 1_000;
const MAX_PATH = 1_024;

/** A checkpoint. */
export function checkpointToProto(checkpoint: DomainCheckpoint): Checkpoint {
  const { id, sessionId, featureSlug, context, data, branch, commit, changedPaths, fencingToken } = checkpoint;
  return create(CheckpointSchema, {
    id,
    sessionId,
    featureSlug: featureSlug ?? "",
    context,
    ...(data === "" ? {} : { data: JSON.parse(data) as JsonObject }),
    branch,
    commit,
    changedPaths: [...changedPaths],
    fencingToken,
    heldTouches: checkpoint.heldTouches.map(touchToProto),
    createTime: timeToProto(checkpoint.createTime),
  });
}

/** What a checkpoint says. */
export function checkpointContentFromProto(fields: FieldParser, request: SaveCheckpointRequest): CheckpointContent {
  fields.atMost("changed_paths", request.changedPaths, MAX_CHANGED_PATHS);
  return {
    context: fields.text("context", request.context, 1, MAX_CONTEXT),
    data: dataFromProto(fields, request),
    branch: fields.line("branch", request.branch, 0, 255),
    commit: fields.line("commit", request.commit, 0, 64),
    // What git prints is kept as it is: that a name is odd must not cost anybody their checkpoint.
    changedPaths: request.changedPaths
      .slice(0, MAX_CHANGED_PATHS)
      .map((path, index) => fields.text(`changed_paths[${index}]`, path, 1, MAX_PATH)),
  };
}

function dataFromProto(fields: FieldParser, { data }: SaveCheckpointRequest): string {
  if (data === undefined) return "";
  const text = jsonOf(data);
  if (text === undefined) fields.reject("data", "is not JSON: a number that is not finite, or nested too deeply");
  const bytes = Buffer.byteLength(text ?? "");
  if (bytes > MAX_DATA_BYTES) fields.reject("data", `has ${bytes} bytes as JSON; at most ${MAX_DATA_BYTES}`);
  return text ?? "";
}

function jsonOf(data: JsonObject): string | undefined {
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}
