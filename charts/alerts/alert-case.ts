/**
 * Series for which an alert must fire, and series for which it must not. Series are in promtool's notation, one value
 * for each minute.
 */
export interface AlertCase {
  readonly alert: string;
  /** Values of series, by the series. */
  readonly fires: Readonly<Record<string, string>>;
  /** Minutes after which it must fire. */
  readonly after: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The same series in normal operation, or below the threshold: nothing fires. */
  readonly quiet: readonly Readonly<Record<string, string>>[];
  /**
   * Also fires when there is no series at all: their absence is the fault. Other alerts are silent then, and
   * FirehoseNoLeader fires.
   */
  readonly firesUnscraped?: true;
}

/** A series of a gateway. */
export const gateway = (metric: string, labels = '') =>
  `${metric}{namespace="voice",job="acme-gateway",pod="a"${labels}}`;

/** The labels of its alerts. */
export const GATEWAY = { namespace: 'voice', job: 'acme-gateway' };
