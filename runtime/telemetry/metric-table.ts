export interface MetricOf {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Their values are bounded: never a user, an account, a call, a token. */
  readonly labels: readonly string[];
  readonly what: string;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricOf>>;

export const counter = (what: string, ...labels: string[]): MetricOf => ({ kind: 'counter', labels, what });
export const gauge = (what: string, ...labels: string[]): MetricOf => ({ kind: 'gauge', labels, what });
export const histogram = (what: string, buckets: readonly number[], ...labels: string[]): MetricOf => ({
  kind: 'histogram',
  labels,
  what,
  buckets,
});
