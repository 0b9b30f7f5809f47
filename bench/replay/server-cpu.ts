const METRIC = /^process_cpu_seconds_total(?:\{[^}]*\})? ([0-9.e+-]+)/m;

/**
 * The processor time that the server process has used, in seconds, from its `/metrics`; undefined where it has none.
 * What its database uses is not in it.
 */
export async function serverCpuSeconds(serverUrl: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${serverUrl}/metrics`, { signal: AbortSignal.timeout(5_000) });
    const found = METRIC.exec(await answer.text())?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
