import type { Attributes, Counter, Histogram, Meter, ObservableResult } from '@opentelemetry/api';
import type { MetricOf, MetricTable } from './metric-table.ts';

type NamesOf<T extends MetricTable> = keyof T & string;

/** The instruments of one table, by their scraped names. */
export interface Instruments<T extends MetricTable> {
  counter(name: NamesOf<T>): Counter;
  histogram(name: NamesOf<T>): Histogram;
  /** A counter or a gauge that is read at each scrape. */
  observe(name: NamesOf<T>, read: (observe: (value: number, labels?: Attributes) => void) => void): void;
}

export function createInstruments<T extends MetricTable>(meter: Meter, table: T): Instruments<T> {
  const of = (name: string): MetricOf => {
    const found = table[name];
    if (found === undefined) throw new Error(`${name} is not in a table of metrics`);
    return found;
  };
  return {
    counter: (name) => meter.createCounter(instrumentName(name), { description: of(name).what }),
    histogram(name) {
      const { what, buckets = [] } = of(name);
      const unit = name.endsWith('_seconds') ? { unit: 's' } : {};
      return meter.createHistogram(name, {
        description: what,
        ...unit,
        advice: { explicitBucketBoundaries: [...buckets] },
      });
    },
    observe(name, read) {
      const { kind, what } = of(name);
      const options = { description: what };
      const instrument =
        kind === 'counter'
          ? meter.createObservableCounter(instrumentName(name), options)
          : meter.createObservableGauge(name, options);
      instrument.addCallback((result: ObservableResult) => read((value, labels) => result.observe(value, labels)));
    },
  };
}

/** The exporter adds the suffix that Prometheus requires. */
function instrumentName(name: string): string {
  return name.replace(/_total$/, '');
}
