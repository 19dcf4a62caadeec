import { PARAMETERS, parametersOf, type ScriptName } from '../settings/parameters.ts';
import type { Settings } from '../settings/settings.ts';

/** The input of `handleSummary` from k6, as far as it is used. */
export interface SummaryData {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly state: { readonly testRunDurationMs: number };
}

interface Metric {
  readonly type: string;
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** The result of a test, for machines. */
export interface Result {
  readonly script: ScriptName;
  readonly passed: boolean;
  readonly seconds: number;
  /** As the test was run; contains no secret. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly thresholds: readonly { readonly metric: string; readonly condition: string; readonly ok: boolean }[];
  /** The values of each metric of the load test, and of those of k6 that describe the load; times in milliseconds. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The script's own messages. */
  readonly notes: readonly string[];
}

const OF_K6 = ['checks', 'http_req_failed', 'ws_msgs_received', 'data_received', 'iterations', 'dropped_iterations'];

function resultOf(
  script: ScriptName,
  settings: Settings,
  { data, notes }: { data: SummaryData; notes: readonly string[] },
): Result {
  const metrics = Object.entries(data.metrics).filter(([name]) => name.startsWith('firehose_') || OF_K6.includes(name));
  const thresholds = Object.entries(data.metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([condition, { ok }]) => ({ metric, condition, ok })),
  );
  const shown = [...parametersOf(script).keys()].filter((name) => PARAMETERS[name].kind !== 'secret');
  return {
    script,
    passed: thresholds.every(({ ok }) => ok),
    seconds: Math.round(data.state.testRunDurationMs / 100) / 10,
    parameters: Object.fromEntries(shown.map((name) => [name, settings[name]])),
    thresholds,
    metrics: Object.fromEntries(metrics.map(([name, { values }]) => [name, values])),
    notes,
  };
}

/** The end-of-test summary: a page of text on standard output, and JSON in the file `SUMMARY`. */
export function summarize(
  script: ScriptName,
  settings: Settings,
  data: SummaryData,
  notes: readonly string[] = [],
): Record<string, string> {
  const result = resultOf(script, settings, { data, notes });
  const text = textOf(result);
  const json = JSON.stringify(result);
  if (settings.SUMMARY === '') return { stdout: text };
  if (settings.SUMMARY === '-') return { stdout: `${text}${json}\n` };
  return { stdout: text, [settings.SUMMARY]: `${json}\n` };
}

function textOf({ script, passed, seconds, thresholds, metrics, notes }: Result): string {
  const lines = [`${script}: ${passed ? 'passed' : 'FAILED'} after ${seconds} s (times in milliseconds)`, ''];
  const width = Math.max(...thresholds.map(({ metric, condition }) => metric.length + condition.length + 2));
  for (const { metric, condition, ok } of thresholds) {
    lines.push(
      `  ${ok ? 'ok    ' : 'FAILED'} ${`${metric}  ${condition}`.padEnd(width)}  ${valuesOf(metric, metrics[metric] ?? {})}`,
    );
  }
  const decided = new Set(thresholds.map(({ metric }) => metric));
  const others = Object.entries(metrics).filter(([name]) => !decided.has(name) && name.startsWith('firehose_'));
  if (others.length > 0) lines.push('');
  for (const [name, values] of others) lines.push(`         ${name.padEnd(width)}  ${valuesOf(name, values)}`);
  if (notes.length > 0) lines.push('', ...notes.map((note) => `  ${note}`));
  return `\n${lines.join('\n')}\n\n`;
}

function valuesOf(metric: string, values: Readonly<Record<string, number>>): string {
  // Meaning of its rate: at least as many finished as started.
  if (metric === 'firehose_books') return `${values['passes'] ?? 0} closed of ${values['fails'] ?? 0} opened`;
  return Object.entries(values)
    .map(([name, value]) => `${name}=${Number.isInteger(value) ? value : value.toFixed(2)}`)
    .join(' ');
}
