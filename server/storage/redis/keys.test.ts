import { expect, test } from "vitest";
import type { ProjectId } from "../../domain/ids.ts";
import { projectKeys } from "./keys.ts";

test("all keys of a project differ, and share the tag that puts them in one Cluster slot", () => {
  const keys = projectKeys("nexus", "6a3c" as ProjectId);
  expect(keys[0]).toBe("nexus:{6a3c}:state");
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => key.startsWith("nexus:{6a3c}:"))).toHaveLength(keys.length);
});
