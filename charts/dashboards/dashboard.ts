/** A Grafana dashboard, by what is particular to it. */
export interface DashboardOf {
  readonly uid: string;
  readonly title: string;
  /** A metric and one of its labels, whose values can be chosen; the first one is `$namespace`. */
  readonly variables: readonly { readonly name: string; readonly metric: string; readonly label: string }[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  readonly unit: 's' | 'ops' | 'short' | 'bytes' | 'Bps' | 'percentunit' | 'dateTimeFromNow';
  readonly kind?: 'timeseries' | 'stat';
  /** Legend to PromQL. */
  readonly queries: Readonly<Record<string, string>>;
  /** What a reader should know of it. */
  readonly says?: string;
}

const COLUMNS = 24;
const HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The JSON model, as Grafana 10 and newer import it. */
export function dashboard({ uid, title, variables, rows }: DashboardOf): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
    });
    y += 1;
    const width = Math.floor(COLUMNS / row.panels.length);
    for (const [index, panel] of row.panels.entries()) {
      panels.push(panelModel(panel, panels.length + 1, { h: HEIGHT, w: width, x: width * index, y }));
    }
    y += HEIGHT;
  }
  return {
    uid,
    title,
    tags: ['firehose'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} },
        ...variables.map(({ name, metric, label }) => ({
          name,
          type: 'query',
          datasource: DATASOURCE,
          definition: `label_values(${metric}, ${label})`,
          query: { query: `label_values(${metric}, ${label})`, refId: 'StandardVariableQuery' },
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: ['All'], value: ['$__all'] },
        })),
      ],
    },
    annotations: { list: [] },
    panels,
  };
}

function panelModel({ title, unit, kind = 'timeseries', queries, says }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: kind,
    title,
    ...(says !== undefined && { description: says }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: unit === 'dateTimeFromNow' ? undefined : 0 }, overrides: [] },
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
