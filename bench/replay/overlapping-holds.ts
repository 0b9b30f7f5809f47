/** A feature that an agent had in hand. Times are `process.hrtime.bigint()`, nanoseconds. */
export interface Hold {
  readonly slug: string;
  readonly agent: number;
  /** When the answer to the pick had arrived. */
  readonly start: bigint;
  /** When the agent was about to send that it is done. */
  readonly end: bigint;
}

/** Two holds at the same time that share a file. */
export interface OverlappingHolds {
  readonly first: Hold;
  readonly second: Hold;
  /** One of the files that both had. */
  readonly file: string;
}

/**
 * Finds every pair of holds whose intervals overlap and whose features have a file in common; a pair counts once,
 * however many files it shares. Names that differ only in case or in Unicode form are the same file.
 *
 * This is the replay's judge, so it shares nothing with the server: no patterns, every pair looked at. Intervals of
 * different processes compare because Node's hrtime is the system's monotonic clock, which they have in common on one
 * host; it is the reason why all agents run on one. An agent's hold lies within the server's, so a correct server
 * can't be found guilty.
 */
export function findOverlappingHolds(
  holds: readonly Hold[],
  filesOf: (slug: string) => readonly string[],
): OverlappingHolds[] {
  const names = holds.map(({ slug }) => new Set(filesOf(slug).map(comparable)));
  const found: OverlappingHolds[] = [];
  holds.forEach((second, at) => {
    for (let before = 0; before < at; before += 1) {
      const first = holds[before];
      if (first === undefined || first.end <= second.start || second.end <= first.start) continue;
      const file = filesOf(second.slug).find((name) => names[before]?.has(comparable(name)));
      if (file !== undefined) found.push({ first, second, file });
    }
  });
  return found;
}

function comparable(file: string): string {
  return file.normalize("NFC").toLowerCase();
}
