/** Every parameter of the load tests: given to k6 as `-e NAME=value`, to `npm run loadtest` as `--name value`. Pure. */
export interface Parameter {
  readonly kind: 'text' | 'secret' | 'count' | 'duration' | 'list';
  /** In its written form; '' when there is none. */
  readonly fallback: string;
  readonly about: string;
}

const parameter = <Kind extends Parameter['kind']>(kind: Kind, fallback: string, about: string) => ({
  kind,
  fallback,
  about,
});

export const PARAMETERS = {
  FIREHOSE_URL: parameter('text', 'https://localhost:9443', 'the public listener: login and stream'),
  FIREHOSE_INNER_URL: parameter('text', 'http://localhost:9090', 'the inner listener: ingest and metrics'),
  FIREHOSE_USERNAME: parameter('text', 'admin', 'who logs in'),
  FIREHOSE_PASSWORD: parameter('secret', 'adminpassword', 'with which password'),
  FIREHOSE_DOMAIN: parameter('text', 'admin', "the login's domain: name or realm of its account"),
  FIREHOSE_INGEST_TOKEN: parameter('secret', '', 'what the ingest endpoint asks for (.firehose/ingest-token)'),
  FIREHOSE_ADMIN_TOKEN: parameter('secret', '', 'what the administration endpoint asks for (.firehose/admin-token)'),
  FIREHOSE_METRICS_URLS: parameter('list', '', 'metrics of each replica; default: /metrics of FIREHOSE_INNER_URL'),
  ACCOUNTS: parameter(
    'list',
    'account_id_1,account_id_2,account_id_3,account_id_4',
    'accounts that events are published for, all below that of the login',
  ),
  RUN: parameter('text', '', 'name of the run, the same for all load generators of one test; default: made up'),
  SUMMARY: parameter('text', '', 'file for the result as JSON; - for standard output'),
  CONNECTIONS: parameter('count', '50', 'connections'),
  CONNECTIONS_PER_VU: parameter('count', '10', 'connections that share a virtual user, and so one thread'),
  RATE: parameter('count', '100', 'events published a second; 0: another load generator publishes'),
  CALLS: parameter('count', '40', 'calls that the events belong to'),
  RAMP: parameter('duration', '10s', 'time over which the connections open'),
  DURATION: parameter('duration', '60s', 'time of the full load'),
  DRAIN: parameter('duration', '30s', 'longest wait for what is still under way at the end'),
  P99: parameter('duration', '500ms', 'limit of the p99 from publishing to receipt'),
  JITTER: parameter('duration', '5s', 'time over which clients with jitter come back'),
  HANDSHAKE_P99: parameter('duration', '2s', 'limit of the p99 of handshakes'),
  CUT_AFTER: parameter('count', '40', 'messages after which a connection is cut, on average'),
  LOGIN_RATE: parameter('count', '10', 'logins a second in the rush'),
  LOGIN_P99: parameter('duration', '2s', 'limit of the p99 of logins'),
  P99_MOVE: parameter('duration', '250ms', 'how much the p99 of events may move in the rush'),
  WRONG_TRIES: parameter('count', '12', 'logins with a wrong password, for one user that does not exist'),
  WARM_UP: parameter('duration', '30m', 'time at the start that the slopes leave out'),
  SAMPLE: parameter('duration', '5s', 'time between two looks at the metrics'),
  GROWTH_PERCENT: parameter('count', '10', 'how much memory and descriptors may grow over the measured time'),
  STEP: parameter('duration', '10s', 'length of a step'),
  STEP_PERCENT: parameter('count', '25', 'how much more each step publishes'),
  MOST_RATE: parameter('count', '20000', 'events a second that are not gone beyond'),
  GROUP: parameter('text', 'default', 'the durable consumer group, which nobody else uses meanwhile'),
  MAX_DELIVER: parameter('count', '5', "the group's maxDeliver"),
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;

const TARGET = [
  'FIREHOSE_URL',
  'FIREHOSE_INNER_URL',
  'FIREHOSE_USERNAME',
  'FIREHOSE_PASSWORD',
  'FIREHOSE_DOMAIN',
  'FIREHOSE_INGEST_TOKEN',
  'ACCOUNTS',
  'RUN',
  'SUMMARY',
  'DRAIN',
] as const satisfies readonly ParameterName[];

interface Script {
  readonly about: string;
  /** Its parameters besides the target, with its own default where that differs. */
  readonly parameters: Partial<Readonly<Record<ParameterName, string | null>>>;
}

/** A constant rate of events to connections that open one after the other. */
const LOAD = { CONNECTIONS: null, CONNECTIONS_PER_VU: null, RATE: null, CALLS: null, RAMP: null } as const;

export const SCRIPTS = {
  smoke: { about: 'one login, one connection, one event of each kind', parameters: {} },
  load: {
    about: 'connections of a realistic mix of filters open one after the other, at a constant rate of events',
    parameters: { ...LOAD, DURATION: null, P99: null },
  },
  breakpoint: {
    about: 'the rate of events rises until it is not held any more; prints where',
    parameters: { ...LOAD, RAMP: '5s', STEP: null, STEP_PERCENT: null, MOST_RATE: null, P99: null },
  },
  spike: {
    about: 'all clients come back at once, with jitter and then without',
    parameters: { ...LOAD, DURATION: '15s', JITTER: null, HANDSHAKE_P99: null },
  },
  soak: {
    about: 'a constant load for hours, with an eye on memory and descriptors',
    parameters: {
      ...LOAD,
      DURATION: '4h',
      P99: '1s',
      WARM_UP: null,
      SAMPLE: null,
      GROWTH_PERCENT: null,
      FIREHOSE_METRICS_URLS: null,
    },
  },
  logins: {
    about: 'a rush of logins, wrong passwords among them, beside a running stream',
    parameters: {
      ...LOAD,
      CONNECTIONS: '10',
      RAMP: '2s',
      DURATION: '20s',
      LOGIN_RATE: null,
      LOGIN_P99: null,
      P99_MOVE: null,
      WRONG_TRIES: null,
    },
  },
  resume: {
    about: 'connections are cut at random amid the stream, and resume by their cursor',
    parameters: { ...LOAD, CONNECTIONS: '20', RAMP: '2s', DURATION: '30s', CUT_AFTER: null },
  },
  snapshot: {
    about: 'wallboards join with the live calls, are cut and heal under load; each compares its board with snapshots',
    parameters: {
      ...LOAD,
      CONNECTIONS: '1000',
      CONNECTIONS_PER_VU: '50',
      RATE: '4',
      RAMP: '20s',
      DURATION: '60s',
      DRAIN: '60s',
      CUT_AFTER: '60',
    },
  },
  durable: {
    about: 'a durable group whose consumers acknowledge, refuse, give up and die; needs Redis',
    parameters: {
      CONNECTIONS: '8',
      RATE: '50',
      CALLS: null,
      DURATION: '30s',
      GROUP: null,
      MAX_DELIVER: null,
      FIREHOSE_ADMIN_TOKEN: null,
    },
  },
} as const satisfies Record<string, Script>;

export type ScriptName = keyof typeof SCRIPTS;

/** The parameters that a script takes, with their defaults there. */
export function parametersOf(script: ScriptName): Map<ParameterName, Parameter> {
  const own: Script['parameters'] = SCRIPTS[script].parameters;
  const names = [...TARGET, ...(Object.keys(own) as ParameterName[])];
  return new Map(
    names.map((name) => [name, { ...PARAMETERS[name], fallback: own[name] ?? PARAMETERS[name].fallback }]),
  );
}
