import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chartTools } from '../testing/chart-tools.ts';
import { template } from './testing/helm.ts';
import { parse } from 'yaml';
import { partsYaml, valueRows, type ValueRow } from './values/render-values.ts';

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
  // Else each rendering has a password of its own.
  demo: { demo: { enabled: true, redis: { password: 'usual' } } },
  'demo.enabled': {},
  'demo.redis.password': { demo: { enabled: true, redis: { password: 'usual' } } },
  'serviceMonitor.interval': { serviceMonitor: { enabled: true } },
  'serviceMonitor.labels': { serviceMonitor: { enabled: true } },
  'prometheusRule.labels': { prometheusRule: { enabled: true } },
  'prometheusRule.runbookUrl': { prometheusRule: { enabled: true } },
  'dashboards.labels': { dashboards: { enabled: true } },
};
const EVERYTHING = {
  ...BESIDE['demo'],
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  dashboards: { enabled: true },
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

describe('a part, a map or a list with nothing below it is the same as if it were left out', () => {
  const parts = parse(partsYaml()) as readonly { readonly path: readonly string[]; readonly value: unknown }[];
  const given = (path: readonly string[], value: unknown) => withValue(EVERYTHING, path, value);
  for (const { path, value } of parts) {
    test(path.join('.'), async () => {
      const [usual, without] = await Promise.all([render(given(path, value)), render(given(path, null))]);
      assert.match(usual, /^---\n/);
      assert.equal(withoutGenerated(without), withoutGenerated(usual));
    });
  }

  test('all of them at once, under both Helms', async () => {
    const leaves = parts.filter(({ path, value }) => !path.includes('demo') && isEmpty(value));
    assert.ok(leaves.length > 20);
    const nulls = leaves.reduce<object>((values, { path }) => withValue(values, path, null), EVERYTHING);
    const { helm3 } = await chartTools();
    for (const one of [helm, helm3]) {
      const [usual, without] = await Promise.all(
        [EVERYTHING, nulls].map((values) => template(one, { values }).then(({ output, errors }) => output || errors)),
      );
      assert.match(usual ?? '', /^---\n/);
      assert.equal(without, usual);
    }
  });
});

/** The demo's password and the checksums of it are others each time. */
function withoutGenerated(text: string): string {
  return text.replaceAll(/\b[A-Za-z0-9]{32}\b|\b[0-9a-f]{64}\b/g, 'GENERATED');
}

function isEmpty(value: unknown): boolean {
  return Object.keys(value as object).length === 0;
}
