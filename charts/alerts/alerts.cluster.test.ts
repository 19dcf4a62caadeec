import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { DIRECTORY_SERVER_METRICS } from '../../gateway/directory/server/metric-table.ts';
import { GATEWAY_METRICS } from '../../gateway/metrics/metric-table.ts';
import { OPERATOR_METRICS } from '../../operator/metrics/metric-table.ts';
import { SOURCE_METRICS } from '../../source/metrics/metric-table.ts';
import { chartTools } from '../../testing/chart-tools.ts';
import { ensurePromtool, promtool } from '../../testing/promtool.ts';
import { CHART } from '../generated.ts';
import { objectsOf } from '../testing/helm.ts';
import { ALERT_CASES } from './alert-cases.ts';

const RULES = join(CHART, 'rules/firehose.yaml');
const DASHBOARDS = ['gateway', 'streams', 'sources', 'operator'];
const KNOWN: ReadonlySet<string> = new Set(
  Object.entries({ ...GATEWAY_METRICS, ...DIRECTORY_SERVER_METRICS, ...SOURCE_METRICS, ...OPERATOR_METRICS }).flatMap(
    ([name, { kind }]) => (kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]),
  ),
);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: object }[];
  }[];
}

interface Dashboard {
  readonly uid: string;
  readonly links: readonly { readonly type: string; readonly url?: string; readonly includeVars?: boolean }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly links?: readonly { readonly url: string }[];
    readonly fieldConfig?: { readonly defaults: { readonly thresholds?: object } };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

let folder = '';
let rules: Rules['groups'][number]['rules'];
const boards = new Map<string, Dashboard>();
before(async () => {
  ensurePromtool();
  folder = await mkdtemp(join(tmpdir(), 'firehose-alerts-'));
  rules = (parse(await readFile(RULES, 'utf8')) as Rules).groups.flatMap((group) => group.rules);
  for (const name of DASHBOARDS) {
    boards.set(name, JSON.parse(await readFile(join(CHART, `dashboards/${name}.json`), 'utf8')) as Dashboard);
  }
});
after(() => rm(folder, { recursive: true }));

/** promtool's output for a test file; empty when it passes. */
async function judge(name: string, content: object): Promise<string> {
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(content));
  const { ok, says } = promtool('test', 'rules', path);
  return ok ? '' : says;
}

const series = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([one, values]) => ({ series: one, values }));

/** promtool itself computes the expected annotations: they are not compared. */
function alertTest(name: string, all: Readonly<Record<string, string>>, expectation: object) {
  return {
    rule_files: [RULES],
    evaluation_interval: '1m',
    tests: [{ name, interval: '1m', input_series: series(all), ...expectation }],
  };
}

describe('alerts', () => {
  test('promtool takes them, and each has a case and a section in the runbook', async () => {
    const { ok, says } = promtool('check', 'rules', RULES);
    assert.ok(ok, says);
    const names = rules.map(({ alert }) => alert);
    assert.deepEqual(ALERT_CASES.map(({ alert }) => alert).toSorted(), names.toSorted());
    const runbook = await readFile(join(CHART, 'RUNBOOK.md'), 'utf8');
    assert.deepEqual([...runbook.matchAll(/^## (\S+)$/gm)].map(([, name = '']) => name).toSorted(), names.toSorted());
    for (const { alert, annotations } of rules) {
      assert.equal((annotations as { runbook_url: string }).runbook_url, `RUNBOOK.md#${alert.toLowerCase()}`);
    }
  });

  test('each leads to its section of the runbook, wherever that is kept', async () => {
    const { helm } = await chartTools();
    const runbookUrl = 'https://wiki.example.com/firehose';
    const objects = await objectsOf(helm, { values: { prometheusRule: { enabled: true, runbookUrl } } });
    const made = objects.find(({ kind }) => kind === 'PrometheusRule')?.['spec'] as Rules;
    assert.deepEqual(
      made.groups.flatMap((group) => group.rules).map(({ annotations }) => annotations),
      rules.map(({ alert, annotations }) => ({ ...annotations, runbook_url: `${runbookUrl}#${alert.toLowerCase()}` })),
    );
  });

  for (const { alert, fires, after: minutes, labels, quiet, firesUnscraped = false } of ALERT_CASES) {
    test(`${alert} fires when it should`, async () => {
      const query = `ALERTS{alertname="${alert}",alertstate="firing"}`;
      const sample = {
        labels: `ALERTS${JSON.stringify({ alertname: alert, alertstate: 'firing', ...labels })}`,
        value: 1,
      };
      const text = sample.labels.replaceAll(/"(\w+)":/g, '$1=');
      const expectation = {
        promql_expr_test: [{ expr: query, eval_time: `${minutes}m`, exp_samples: [{ ...sample, labels: text }] }],
      };
      assert.equal(await judge(alert, alertTest(alert, fires, expectation)), '');
    });
    test(`${alert} ${firesUnscraped ? 'fires' : 'is quiet'} when nothing is scraped`, async () => {
      const expectation = {
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
            eval_time: '30m',
            exp_samples: [{ labels: '{}', value: firesUnscraped ? 1 : 0 }],
          },
        ],
      };
      assert.equal(await judge(`${alert}-unscraped`, alertTest(alert, { 'up{job="other"}': '1x40' }, expectation)), '');
      // Series that have ended: the process is gone, and its last values are stale.
      const ended = Object.fromEntries(Object.keys(fires).map((one) => [one, '0x2 stale']));
      assert.equal(await judge(`${alert}-stale`, alertTest(alert, ended, expectation)), '');
    });
    test(`${alert} is quiet when it should be`, async () => {
      for (const [index, all] of quiet.entries()) {
        const expectation = {
          alert_rule_test: [minutes, 25].map((at) => ({ alertname: alert, eval_time: `${at}m`, exp_alerts: [] })),
        };
        assert.equal(await judge(`${alert}-${index}`, alertTest(alert, all, expectation)), '');
      }
    });
  }
});

describe('what panels and alerts ask for', () => {
  const namesIn = (expression: string) =>
    [...expression.matchAll(/\b(?:firehose|controller_runtime|workqueue|leader_election|rest_client)_\w+/g)]
      .map(([name]) => name)
      // Excludes text within quotes.
      .filter((name) => !expression.includes(`"${name}"`));

  test('is exposed: every name is in the table that is proven against running processes', () => {
    const expressions = [
      ...rules.map(({ expr }) => expr),
      ...[...boards.values()].flatMap(({ panels, templating }) => [
        ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
        ...templating.list.flatMap(({ definition }) => (definition === undefined ? [] : [definition])),
      ]),
    ];
    assert.ok(expressions.length > 60, String(expressions.length));
    for (const expression of expressions) {
      const names = namesIn(expression);
      assert.ok(names.length > 0, expression);
      for (const name of names) assert.ok(KNOWN.has(name), `${name} is exposed by nobody: ${expression}`);
    }
  });

  for (const name of DASHBOARDS) {
    test(`the dashboard ${name} is whole: expressions that Prometheus reads, panels that do not overlap`, async () => {
      const board = boards.get(name);
      assert.ok(board !== undefined);
      assert.match(board.uid, /^firehose-/);
      assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
      const cells = new Set<string>();
      for (const { gridPos, title, type, targets = [] } of board.panels) {
        assert.ok(type === 'row' || targets.length > 0, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.ok(x < 24 && !cells.has(`${x} ${y}`), `${title} lies on another panel`);
            cells.add(`${x} ${y}`);
          }
        }
      }
      const expressions = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
      assertExplained(board);
      const path = join(folder, `${name}-expressions.json`);
      const records = expressions.map((expr, index) => ({
        record: `panel:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m'),
      }));
      await writeFile(path, JSON.stringify({ groups: [{ name, rules: records }] }));
      const { ok, says } = promtool('check', 'rules', path);
      assert.ok(ok, says);
    });
  }
});

/** Information for a person on duty: what to check, what is bad, which resource and pod, and where to read on. */
function assertExplained({ panels, templating, links }: Dashboard): void {
  const shown = panels.filter(({ type }) => type !== 'row');
  for (const { title, description = '' } of shown) {
    assert.ok(description.length >= 40 && description.endsWith('.'), `${title} says nothing of what to look for`);
  }
  const variables = templating.list.map(({ name }) => name);
  for (const variable of ['namespace', 'resource', 'pod']) assert.ok(variables.includes(variable), variable);
  const everything = JSON.stringify(panels);
  for (const variable of variables.slice(1)) assert.ok(everything.includes(`$${variable}`), `$${variable} is not used`);
  assert.ok(links.some(({ type, includeVars }) => type === 'dashboards' && includeVars === true));
  assert.ok(links.some(({ url }) => url === 'RUNBOOK.md'));
  const first = panels.slice(
    1,
    panels.findIndex(({ type }, index) => index > 0 && type === 'row'),
  );
  assert.equal(panels[0]?.title, 'Is it well?');
  assert.ok(first.length >= 4 && first.every(({ type }) => type === 'stat'));
  assert.ok(shown.filter(({ fieldConfig }) => fieldConfig?.defaults.thresholds !== undefined).length >= 5);
  const known = new Set(rules.map(({ alert }) => `RUNBOOK.md#${alert.toLowerCase()}`));
  const linked = shown.flatMap(({ links: ofPanel = [] }) => ofPanel.map(({ url }) => url));
  assert.ok(linked.length >= 5 && linked.every((url) => known.has(url)), linked.join());
}
