/**
 * The smallest value that at least `percent` per cent of the values do not exceed (nearest rank); undefined of none.
 *
 * @param percent above 0, at most 100
 */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1];
}
