import type { Atom, Node } from "./entry-node.ts";
import { PathProblem } from "./path-problem.ts";

/** How many readings the braces of one entry may have. */
export const MAX_ALTERNATIVES = 64;

/**
 * Every reading of the nodes without choices, in the order of a shell. Counted before anything is built, since thirty
 * small braces have a thousand million readings.
 *
 * @throws PathProblem when there are more than 64
 */
export function expandChoices(nodes: readonly Node[]): readonly (readonly Atom[])[] {
  if (countReadings(nodes) > MAX_ALTERNATIVES) {
    throw new PathProblem(
      `its braces have more than ${MAX_ALTERNATIVES} readings; split it into several entries, or use "*"`,
    );
  }
  return expand(nodes);
}

function countReadings(nodes: readonly Node[]): number {
  let product = 1;
  for (const node of nodes) {
    if (node.kind !== "choice") continue;
    let sum = 0;
    for (const option of node.options) sum += countReadings(option);
    product *= sum;
  }
  return product;
}

function expand(nodes: readonly Node[]): readonly (readonly Atom[])[] {
  let readings: (readonly Atom[])[] = [[]];
  let run: Atom[] = [];
  for (const node of nodes) {
    if (node.kind !== "choice") {
      run.push(node);
      continue;
    }
    const options = node.options.flatMap(expand);
    readings = readings.flatMap((reading) => options.map((option) => [...reading, ...run, ...option]));
    run = [];
  }
  return readings.map((reading) => [...reading, ...run]);
}
