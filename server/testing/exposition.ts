/** One line of what Prometheus reads. */
export interface Sample {
  /** `nexus_rpc_duration_seconds_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples in Prometheus' text format. */
export function samplesOf(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    if (name === undefined || line.startsWith("#")) return [];
    return [
      {
        name,
        labels: Object.fromEntries(matchersIn(labels).map(([label, , is]) => [label, is])),
        value: Number(value),
      },
    ];
  });
}

/** What a server's metrics are now. */
export async function scrape(metricsUrl: string): Promise<Sample[]> {
  return samplesOf(await (await fetch(metricsUrl)).text());
}

/** A metric that an expression reads, with what its labels have to be. */
export interface Selector {
  readonly name: string;
  readonly matches: (labels: Sample["labels"]) => boolean;
}

/** The metrics of Nexus and its process that a PromQL expression reads; `job` is Prometheus' own label. */
export function selectorsIn(expression: string): Selector[] {
  return [...expression.matchAll(/\b((?:nexus|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", text = ""]) => {
      const matchers = matchersIn(text).filter(([label]) => label !== "job");
      return { name, matches: (labels) => matchers.every(([label, how, is]) => isMatch(labels[label] ?? "", how, is)) };
    },
  );
}

/** The labels that a PromQL expression aggregates by. */
export function groupingLabelsIn(expression: string): string[] {
  return [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
}

function matchersIn(text: string): [label: string, how: string, is: string][] {
  return [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label = "", how = "", is = ""]) => [label, how, is]);
}

function isMatch(value: string, how: string, is: string): boolean {
  const same = how.endsWith("~") ? new RegExp(`^(?:${is})$`).test(value) : value === is;
  return how.startsWith("!") ? !same : same;
}
