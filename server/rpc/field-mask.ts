import type { FieldMask } from "@bufbuild/protobuf/wkt";
import type { FieldParser } from "../domain/field-parser.ts";

/** The fields that an update changes: a non-empty choice of `allowed`, in proto names. */
export function parseUpdateMask<Path extends string>(
  fields: FieldParser,
  mask: FieldMask | undefined,
  allowed: readonly Path[],
): ReadonlySet<Path> {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) fields.reject("update_mask", `name what to change: ${allowed.join(", ")}`);
  for (const path of paths) {
    if (!allowed.some((name) => name === path)) {
      fields.reject("update_mask", `${JSON.stringify(path)} can't be changed; only ${allowed.join(", ")}`);
    }
  }
  return new Set(paths as Path[]);
}
