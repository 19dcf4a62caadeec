import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chartTools } from '../testing/chart-tools.ts';
import { template } from './testing/helm.ts';
import { valueRows, type ValueRow } from './values/render-values.ts';

const ACCOUNT = { id: 'a1', name: 'north', realm: 'north.sip.example.com' };
const SOURCE = { kind: 'simulator', redis: { urlSecret: { name: 'calls' } }, simulator: { accounts: [ACCOUNT] } };

/** Where a value only counts beside another one. The longest beginning of its path decides. */
const BESIDE: Readonly<Record<string, object>> = {
  '': {},
  source: { source: SOURCE },
  'source.redis.masterName': { source: { ...SOURCE, redis: { ...SOURCE.redis, mode: 'Sentinel', masterName: 'one' } } },
  'source.redis.tls.caSecret.key': {
    source: { ...SOURCE, redis: { ...SOURCE.redis, tls: { caSecret: { name: 'authority' } } } },
  },
  demo: { demo: { enabled: true } },
  'demo.enabled': {},
  'serviceMonitor.interval': { serviceMonitor: { enabled: true } },
  'serviceMonitor.labels': { serviceMonitor: { enabled: true } },
  'prometheusRule.labels': { prometheusRule: { enabled: true } },
  'prometheusRule.runbookUrl': { prometheusRule: { enabled: true } },
  'dashboards.labels': { dashboards: { enabled: true } },
};

/** Another value, where one cannot be told from the default. */
const OTHER: Readonly<Record<string, unknown>> = {
  imagePullSecrets: [{ name: 'registry' }],
  'source.kind': 'none',
  'source.redis.mode': 'Cluster',
  'source.stream.retention.maxAge': '2h',
  'source.simulator.accounts': [{ ...ACCOUNT, id: 'a2' }],
  'demo.redis.maxMemory': '1gb',
  'serviceMonitor.interval': '1m',
  'uninstall.subscriptions': 'Delete',
};
const BY_NAME: Readonly<Record<string, unknown>> = {
  digest: `sha256:${'b'.repeat(64)}`,
  pullPolicy: 'Always',
  logLevel: 'debug',
  tolerations: [{ key: 'other', operator: 'Exists' }],
  topologySpreadConstraints: [{ maxSkew: 2 }],
  affinity: { podAntiAffinity: {} },
  env: [{ name: 'OTHER', value: 'other' }],
};

function otherValue({ path, fallback }: ValueRow): unknown {
  const name = path.split('.').at(-1) ?? '';
  if (path in OTHER) return OTHER[path];
  if (name in BY_NAME) return BY_NAME[name];
  if (typeof fallback === 'boolean') return !fallback;
  if (typeof fallback === 'number') return fallback + 1;
  if (typeof fallback === 'string') return 'other';
  return Array.isArray(fallback) ? ['other'] : { other: 'other' };
}

function beside(path: string): object {
  const parts = path.split('.');
  for (let count = parts.length; count > 0; count -= 1) {
    const values = BESIDE[parts.slice(0, count).join('.')];
    if (values !== undefined) return values;
  }
  return {};
}

/** The values with one more. */
function withValue(values: object, path: readonly string[], value: unknown): object {
  const [name = '', ...rest] = path;
  const inner = (values as Record<string, object>)[name] ?? {};
  return { ...values, [name]: rest.length === 0 ? value : withValue(inner, rest, value) };
}

let helm: string;
const rendered = new Map<string, Promise<string>>();
before(async () => {
  ({ helm } = await chartTools());
});

function render(values: object): Promise<string> {
  const key = JSON.stringify(values);
  const known = rendered.get(key) ?? template(helm, { values }).then(({ output, errors }) => output || errors);
  rendered.set(key, known);
  return known;
}

describe('a value that is changed changes what is installed', { concurrency: 2 }, () => {
  for (const row of valueRows()) {
    test(row.path, async () => {
      const context = beside(row.path);
      const [usual, changed] = await Promise.all([
        render(context),
        render(withValue(context, row.path.split('.'), otherValue(row))),
      ]);
      assert.match(usual, /^---\n/);
      assert.match(changed, /^---\n/);
      assert.notEqual(changed, usual);
    });
  }
});
