import { parseArgs } from 'node:util';
import { parametersOf, SCRIPTS, type ParameterName, type ScriptName } from '../settings/parameters.ts';

export const NAMES = Object.keys(SCRIPTS) as ScriptName[];

export type Command =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'fault'; readonly text: string }
  | { readonly kind: 'config_map' }
  | {
      readonly kind: 'run';
      readonly script: ScriptName;
      /** Parameters as given. */
      readonly given: ReadonlyMap<ParameterName, string>;
      /** Folder with the tokens and the certificate of the gateway; null: that of `npm start`, if it is that one. */
      readonly state: string | null;
      /** Further arguments for k6, given after `--`. */
      readonly rest: readonly string[];
    };

/** `FIREHOSE_URL` is `--url`, `P99_MOVE` is `--p99-move`. */
export const flagOf = (name: ParameterName): string =>
  name
    .replace(/^FIREHOSE_/, '')
    .toLowerCase()
    .replaceAll('_', '-');

/** Reads the arguments of `npm run loadtest --`. Pure. */
export function readCommand(args: readonly string[]): Command {
  const [first = '--help', ...others] = args;
  if (first === '--help' || first === '-h') return { kind: 'help', text: overview() };
  if (first === 'config-map') return { kind: 'config_map' };
  const script = NAMES.find((name) => name === first);
  if (script === undefined) return { kind: 'fault', text: `there is no load test '${first}': ${NAMES.join(', ')}` };
  const end = others.indexOf('--');
  const own = end < 0 ? others : others.slice(0, end);
  const names = [...parametersOf(script).keys()];
  const options = Object.fromEntries(names.map((name) => [flagOf(name), { type: 'string' as const }]));
  try {
    const { values } = parseArgs({
      args: own,
      options: { ...options, state: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values['help'] === true) return { kind: 'help', text: helpOf(script) };
    const flags: Readonly<Record<string, string | boolean | undefined>> = values;
    const given = names.flatMap((name): [ParameterName, string][] => {
      const value = flags[flagOf(name)];
      return typeof value === 'string' ? [[name, value]] : [];
    });
    const { state } = values;
    const rest = end < 0 ? [] : others.slice(end + 1);
    return { kind: 'run', script, given: new Map(given), state: typeof state === 'string' ? state : null, rest };
  } catch (error) {
    return { kind: 'fault', text: `${(error as Error).message} (npm run loadtest -- ${script} --help)` };
  }
}

function overview(): string {
  const lines = NAMES.map((name) => `  ${name.padEnd(12)}${SCRIPTS[name].about}`);
  return `npm run loadtest -- <script> [--<parameter> <value> ...] [-- <arguments of k6>]\n${lines.join('\n')}
  config-map  prints the ConfigMap of the k6 operator's TestRuns
npm run loadtest -- <script> --help tells a script's parameters.
`;
}

function helpOf(script: ScriptName): string {
  const lines = [...parametersOf(script)].map(([name, { fallback, about, kind }]) => {
    const value = kind === 'secret' && fallback !== '' ? "the quickstart's" : fallback === '' ? '' : fallback;
    return `  --${flagOf(name).padEnd(20)} -e ${name.padEnd(24)} ${about}${value === '' ? '' : ` [${value}]`}`;
  });
  return `${script}: ${SCRIPTS[script].about}\n${lines.join('\n')}
  --state                 where the gateway's ingest-token, admin-token and ca.crt lie [FIREHOSE_STATE or .firehose, for a URL of this machine]
`;
}
