import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { SIMULATOR_SPEC } from '../operator/testing/sources.ts';
import { chartTools } from '../testing/chart-tools.ts';
import { CHART } from './generated.ts';
import { template } from './testing/helm.ts';
import { parse } from 'yaml';
import { partsYaml, valueRows, type ValueRow } from './values/render-values.ts';

const ACCOUNT = { id: 'a1', name: 'north', realm: 'north.sip.example.com' };
const SOURCE = { kind: 'simulator', redis: { urlSecret: { name: 'calls' } }, simulator: { accounts: [ACCOUNT] } };

const DIRECTORY = {
  directory: {
    tokenSecret: { name: 'token' },
    sql: { enabled: true, urlSecret: { name: 'database' }, queries: { accounts: 'SELECT 1' } },
    kazoo: {
      enabled: true,
      url: 'https://kazoo:8443',
      apiKeySecret: { name: 'kazoo' },
      caSecret: { name: 'ca' },
      amqp: { urlSecret: { name: 'amqp' }, caSecret: { name: 'ca' } },
    },
  },
};
const WITH_CA = {
  directory: { ...DIRECTORY.directory, sql: { ...DIRECTORY.directory.sql, caSecret: { name: 'ca' } } },
};

/** For values that only apply beside another one. The longest matching prefix of the path decides. */
const BESIDE: Readonly<Record<string, object>> = {
  '': {},
  source: { source: SOURCE },
  'source.redis.masterName': { source: { ...SOURCE, redis: { ...SOURCE.redis, mode: 'Sentinel', masterName: 'one' } } },
  'source.redis.tls.caSecret.key': {
    source: { ...SOURCE, redis: { ...SOURCE.redis, tls: { caSecret: { name: 'authority' } } } },
  },
  // Otherwise each rendering has a password of its own.
  demo: { demo: { enabled: true, redis: { password: 'usual' } } },
  'demo.enabled': {},
  'demo.redis.password': { demo: { enabled: true, redis: { password: 'usual' } } },
  directory: DIRECTORY,
  'directory.sql.caSecret.key': WITH_CA,
  'serviceMonitor.interval': { serviceMonitor: { enabled: true } },
  'serviceMonitor.labels': { serviceMonitor: { enabled: true } },
  'prometheusRule.labels': { prometheusRule: { enabled: true } },
  'prometheusRule.runbookUrl': { prometheusRule: { enabled: true } },
  'dashboards.labels': { dashboards: { enabled: true } },
};
const EVERYTHING = {
  ...DIRECTORY,
  ...BESIDE['demo'],
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  dashboards: { enabled: true },
};

/** A directory server is refused without them. */
const REQUIRED: ReadonlySet<string> = new Set([
  'directory.tokenSecret',
  'directory.sql.urlSecret',
  'directory.sql.queries',
  'directory.kazoo.apiKeySecret',
]);

/** A different value, when one cannot be distinguished from the default. */
const OTHER: Readonly<Record<string, unknown>> = {
  imagePullSecrets: [{ name: 'registry' }],
  'source.kind': 'none',
  'source.redis.mode': 'Cluster',
  'source.stream.retention.maxAge': '2h',
  'source.simulator.accounts': [{ ...ACCOUNT, id: 'a2' }],
  'demo.redis.maxMemory': '1gb',
  'serviceMonitor.interval': '1m',
  'uninstall.subscriptions': 'Delete',
  'directory.push': ['http://calls-inner:9090/refresh'],
  'directory.kazoo.url': 'https://other:8443',
  'directory.kazoo.enabled': false,
  'directory.sql.enabled': false,
  sources: { other: SIMULATOR_SPEC },
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

describe('a value that is null is the same as if it were left out', () => {
  const all = parse(partsYaml()) as readonly { readonly path: readonly string[]; readonly value: unknown }[];
  const parts = all.filter(({ path, value }) => typeof value === 'object' && !REQUIRED.has(path.join('.')));
  const single = all.filter(({ value }) => typeof value !== 'object');
  const given = (path: readonly string[], value: unknown) => withValue(EVERYTHING, path, value);
  for (const { path, value } of parts) {
    test(path.join('.'), async () => {
      const [usual, without] = await Promise.all([render(given(path, value)), render(given(path, null))]);
      assert.match(usual, /^---\n/);
      assert.equal(withoutGenerated(without), withoutGenerated(usual));
    });
  }

  const nulled = (values: object, list: typeof all) =>
    list.reduce<object>((before, { path }) => withValue(before, path, null), values);

  test('every single value at once, under both Helms: those with a default, and those beside what is switched on', async () => {
    assert.ok(single.length > 40);
    const { helm3 } = await chartTools();
    const given = (path: readonly string[]) => valueAt(EVERYTHING, path) !== undefined;
    for (const one of [helm, helm3]) {
      for (const [values, list] of [
        [{}, single],
        [EVERYTHING, single.filter(({ path }) => !given(path))],
      ] as const) {
        const [usual, without] = await Promise.all(
          [values, nulled(values, list)].map((what) =>
            template(one, { values: what }).then(({ output, errors }) => output || errors),
          ),
        );
        assert.match(usual ?? '', /^---\n/);
        assert.equal(without, usual);
      }
    }
  });

  test('also in a chart that is a part of another one, where Helm leaves nulls as they are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-parent-'));
    try {
      await mkdir(join(folder, 'charts'));
      await symlink(CHART, join(folder, 'charts', 'firehose'));
      await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: parent\nversion: 1.0.0\n');
      const { helm3 } = await chartTools();
      const values = nulled({}, [...single, ...parts.filter(({ value }) => isEmpty(value))]);
      for (const one of [helm, helm3]) {
        const [usual, without] = await Promise.all(
          [{}, values].map((firehose) => template(one, { chart: folder, values: { firehose } })),
        );
        assert.deepEqual(
          [usual?.errors.includes('Error'), without?.errors.includes('Error')],
          [false, false],
          without?.errors,
        );
        assert.match(usual?.output ?? '', /^---\n/);
        assert.equal(without?.output, usual?.output);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('an entry of a map', async () => {
    const more = {
      commonLabels: { team: 'voice' },
      operator: { podAnnotations: { note: 'x' }, nodeSelector: { disk: 'ssd' } },
    };
    const nulls = {
      commonLabels: { team: 'voice', other: null },
      operator: {
        podAnnotations: { note: 'x', other: null },
        nodeSelector: { disk: 'ssd', other: null },
        affinity: { podAffinity: null },
      },
    };
    const [usual, without] = await Promise.all([render(more), render(nulls)]);
    assert.match(usual, /^---\n/);
    assert.equal(without, usual);
  });

  test('all of them at once, under both Helms', async () => {
    const leaves = parts.filter(({ path, value }) => !path.includes('demo') && isEmpty(value));
    assert.ok(leaves.length > 20);
    const nulls = nulled(EVERYTHING, leaves);
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

function valueAt(values: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], values);
}

/** The demo's password and its checksums differ each time. */
function withoutGenerated(text: string): string {
  return text.replaceAll(/\b[A-Za-z0-9]{32}\b|\b[0-9a-f]{64}\b/g, 'GENERATED');
}

function isEmpty(value: unknown): boolean {
  return Object.keys(value as object).length === 0;
}
