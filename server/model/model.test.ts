import { expect, test } from "vitest";
import { explore, type Found } from "./explore.ts";
import { MUTANTS, scopeOf } from "./mutants.ts";
import { STEPS } from "./process.ts";
import { SMALL } from "./scopes.ts";
import type { Scope } from "./state.ts";

/** A step that only a mutant makes. */
const OF_MUTANTS = ["End in Redis first"];

const found = new Map<Scope, Found>();

function explored(scope: Scope): Found {
  const result = found.get(scope) ?? explore(scope);
  found.set(scope, result);
  return result;
}

test.each(SMALL)("the protocol keeps every promise in all states of: $name", (scope) => {
  const { trace, violation, complete } = explored(scope);

  expect({ violation, trace, complete }).toEqual({ violation: undefined, trace: [], complete: true });
});

test("the small scopes reach every step of the protocol", () => {
  const reached = new Set(SMALL.flatMap((scope) => explored(scope).reached));

  expect(STEPS.filter((step) => !reached.has(step) && !OF_MUTANTS.includes(step))).toEqual(["end"]);
});

test.each(MUTANTS)("the model finds out when $lacks ($name)", (mutant) => {
  const { violation, trace } = explore(scopeOf(mutant));

  expect(violation).toBeDefined();
  expect(trace.length).toBeGreaterThan(0);
});
