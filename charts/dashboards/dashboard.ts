/** The specific parts of one Grafana dashboard. */
export interface DashboardOf {
  readonly uid: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  /** The first row answers whether all is well. */
  readonly rows: readonly Row[];
}

/** Values of one label of a metric. */
interface Variable {
  readonly name: string;
  /** As shown. */
  readonly title: string;
  readonly metric: string;
  readonly label: string;
  /** Restricts the values by the variables before it, as `namespace=~"$namespace"`. */
  readonly where?: string;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly title: string;
  readonly unit: 's' | 'ops' | 'short' | 'bytes' | 'Bps' | 'percentunit' | 'dateTimeFromNow';
  readonly kind?: 'timeseries' | 'stat';
  /** Legend to PromQL. */
  readonly queries: Readonly<Record<string, string>>;
  /** What it shows and what to watch for. */
  readonly says: string;
  readonly thresholds?: Thresholds;
  /** The alert whose section of the runbook belongs to it. */
  readonly alert?: string;
}

/** Values from which on a panel is orange or red; with `below`, values under which it is. */
interface Thresholds {
  readonly warn?: number;
  readonly bad?: number;
  readonly below?: true;
}

const COLUMNS = 24;
const HEIGHT = 8;
const STAT_HEIGHT = 4;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** The chart inserts its value `prometheusRule.runbookUrl` here. */
const RUNBOOK = 'RUNBOOK.md';

/** The JSON model, as Grafana 10 and newer import it. */
export function dashboard({ uid, title, variables, rows }: DashboardOf): object {
  return {
    uid,
    title,
    tags: ['firehose'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        type: 'dashboards',
        title: 'Firehose',
        tags: ['firehose'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
      },
      { type: 'link', title: 'Runbook', icon: 'doc', url: RUNBOOK, targetBlank: true },
    ],
    templating: { list: [dataSource(), ...variables.map(variableModel)] },
    annotations: { list: [] },
    panels: panelsOf(rows),
  };
}

function panelsOf(rows: readonly Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    const gridPos = { h: 1, w: COLUMNS, x: 0, y };
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, panels: [], gridPos });
    y += 1;
    const width = Math.floor(COLUMNS / row.panels.length);
    const h = row.panels.every(({ kind }) => kind === 'stat') ? STAT_HEIGHT : HEIGHT;
    for (const [index, panel] of row.panels.entries()) {
      panels.push(panelModel(panel, panels.length + 1, { h, w: width, x: width * index, y }));
    }
    y += h;
  }
  return panels;
}

function dataSource(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} };
}

function variableModel({ name, title, metric, label, where }: Variable): object {
  const query = `label_values(${metric}${where === undefined ? '' : `{${where}}`}, ${label})`;
  return {
    name,
    label: title,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: 'StandardVariableQuery' },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}

function panelModel(panel: Panel, id: number, gridPos: object): object {
  const { title, unit, kind = 'timeseries', queries, says, thresholds, alert } = panel;
  const min = unit === 'dateTimeFromNow' ? undefined : 0;
  return {
    id,
    type: kind,
    title,
    description: says,
    datasource: DATASOURCE,
    gridPos,
    ...(alert !== undefined && {
      links: [{ title: `Runbook: ${alert}`, url: `${RUNBOOK}#${alert.toLowerCase()}`, targetBlank: true }],
    }),
    fieldConfig: { defaults: { unit, min, ...(thresholds && thresholdModel(thresholds, kind)) }, overrides: [] },
    options:
      kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  };
}

function thresholdModel({ warn, bad, below }: Thresholds, kind: 'timeseries' | 'stat'): object {
  const rising = [
    { color: 'green', value: null as number | null },
    ...(warn === undefined ? [] : [{ color: 'orange', value: warn }]),
    ...(bad === undefined ? [] : [{ color: 'red', value: bad }]),
  ];
  const falling = [
    { color: bad === undefined ? 'orange' : 'red', value: null as number | null },
    ...(bad !== undefined && warn !== undefined ? [{ color: 'orange', value: bad }] : []),
    { color: 'green', value: warn ?? bad ?? 0 },
  ];
  return {
    color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
    thresholds: { mode: 'absolute', steps: below ? falling : rising },
    ...(kind === 'timeseries' && { custom: { thresholdsStyle: { mode: 'line' } } }),
  };
}
