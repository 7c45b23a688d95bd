/**
 * The figures of one process. They are read where they arise when somebody asks, so that counting costs the hot path no more than a plain
 * number. Several parts may read for one figure: each endpoint for itself.
 */
import type { Distribution } from '../distribution.ts';

/** Values of the labels, in the order of their names; and the figure. */
export type Reading = readonly [labels: readonly string[], value: number | Distribution];
type Read = () => Iterable<Reading> | Promise<Iterable<Reading>>;

export interface Figure {
  /** A count ends in `_total`; units are seconds and bytes (as Prometheus wants names to be). */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface Family extends Figure {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly reads: readonly Read[];
}

export type Count = (labels: readonly string[], times?: number) => void;

export class Metrics {
  readonly #families = new Map<string, Family>();

  get families(): Iterable<Family> {
    return this.#families.values();
  }

  /** Something that is so now. What is not read any more is gone. */
  gauge(figure: Figure, read: Read): void {
    this.#add(figure, 'gauge', read);
  }

  /** Something that only rises, for as long as the process lives. */
  counter(figure: Figure, read: Read): void {
    this.#add(figure, 'counter', read);
  }

  /** Values that are Distributions. */
  histogram(figure: Figure, read: Read): void {
    this.#add(figure, 'histogram', read);
  }

  /** A count that is kept here. Returns what adds to it. `known`: labels that are there from the start, for a rise from nothing is not seen. */
  counting(figure: Figure, known: readonly (readonly string[])[] = []): Count {
    const counts = new Map<string, { readonly labels: readonly string[]; times: number }>();
    this.#add(figure, 'counter', () => [...counts.values()].map(({ labels, times }) => [labels, times] as const));
    const add: Count = (labels, times = 1) => {
      const key = labels.join('\n');
      const count = counts.get(key);
      if (count === undefined) counts.set(key, { labels, times });
      else count.times += times;
    };
    for (const labels of known) add(labels, 0);
    return add;
  }

  #add(figure: Figure, type: Family['type'], read: Read): void {
    const known = this.#families.get(figure.name);
    this.#families.set(figure.name, { ...figure, type, reads: [...(known?.reads ?? []), read] });
  }
}
