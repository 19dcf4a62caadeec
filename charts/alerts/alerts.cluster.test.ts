import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { GATEWAY_METRICS } from '../../gateway/metrics/metric-table.ts';
import { OPERATOR_METRICS } from '../../operator/metrics/metric-table.ts';
import { chartTools } from '../../testing/chart-tools.ts';
import { ensurePromtool, promtool } from '../../testing/promtool.ts';
import { CHART } from '../generated.ts';
import { objectsOf } from '../testing/helm.ts';
import { ALERT_CASES } from './alert-cases.ts';

const RULES = join(CHART, 'rules/firehose.yaml');
const DASHBOARDS = ['gateway', 'streams', 'operator'];
const KNOWN: ReadonlySet<string> = new Set(
  Object.entries({ ...GATEWAY_METRICS, ...OPERATOR_METRICS }).flatMap(([name, { kind }]) =>
    kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: object }[];
  }[];
}

interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
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

/** What promtool says of a test file; empty when it passes. */
async function judge(name: string, content: object): Promise<string> {
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(content));
  const { ok, says } = promtool('test', 'rules', path);
  return ok ? '' : says;
}

const series = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([one, values]) => ({ series: one, values }));

/** Its annotations, with what promtool would put into them, are asked of promtool itself: they are not compared. */
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

  for (const { alert, fires, after: minutes, labels, quiet } of ALERT_CASES) {
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
      // Not what is said within quotes.
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
