/** What `redis.metrics()` says, read again: the text that Prometheus scrapes. */

export type Labels = Record<string, string>;

export interface Sample {
  /** Of a histogram with its ending. */
  name: string;
  labels: Labels;
  value: number;
}

export interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples: Sample[];
}

/** Any client of outlast that counts. */
export interface Metered {
  metrics(): string;
}

const SAMPLE = /^(\w+)\{(.*)\} (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The metrics in such a text. */
export function families(text: string): Family[] {
  const found: Family[] = [];
  for (const line of text.split("\n")) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? [];
    const last = found.at(-1);
    if (word === "HELP") {
      found.push({ name, type: "gauge", help: rest, samples: [] });
    } else if (word === "TYPE" && last !== undefined) {
      last.type = rest as Family["type"];
    } else {
      const sample = sampleOf(line);
      if (sample !== undefined) last?.samples.push(sample);
    }
  }
  return found;
}

function sampleOf(line: string): Sample | undefined {
  const [, name, labels, value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || labels === undefined) return undefined;
  const pairs = Array.from(labels.matchAll(LABEL), ([, label = "", text = ""]) => [
    label,
    text.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
  ]);
  return { name, labels: Object.fromEntries(pairs) as Labels, value: Number(value) };
}
