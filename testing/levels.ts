/**
 * What a test needs: nothing, a redis-server on this machine, that and a RabbitMQ, an Asterisk, databases, a
 * nats-server, a browser, a k6, a control plane, or a whole cluster with nodes.
 */
export const LEVELS = [
  'pure',
  'redis',
  'rabbitmq',
  'asterisk',
  'database',
  'nats',
  'browser',
  'k6',
  'cluster',
  'hostile',
  'e2e',
] as const;
export type Level = (typeof LEVELS)[number];

/** The default levels: the end-to-end tests take minutes and must be named. */
const EVERY_TIME: readonly Level[] = LEVELS.filter((level) => level !== 'e2e');

/**
 * The suffix names the infrastructure, `x.redis.test.ts`; without one, `x.test.ts`, the test is pure. Null when it is
 * not a test.
 */
export function levelOf(path: string): Level | null {
  if (!path.endsWith('.test.ts')) return null;
  if (path.endsWith('.e2e.test.ts')) return 'e2e';
  if (path.endsWith('.hostile.test.ts')) return 'hostile';
  if (path.endsWith('.cluster.test.ts')) return 'cluster';
  if (path.endsWith('.k6.test.ts')) return 'k6';
  if (path.endsWith('.rabbitmq.test.ts')) return 'rabbitmq';
  if (path.endsWith('.asterisk.test.ts')) return 'asterisk';
  if (path.endsWith('.database.test.ts')) return 'database';
  if (path.endsWith('.nats.test.ts')) return 'nats';
  if (path.endsWith('.browser.test.ts')) return 'browser';
  return path.endsWith('.redis.test.ts') ? 'redis' : 'pure';
}

export type TestPlan =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly levels: readonly Level[];
      readonly filters: readonly string[];
      /** A level that this machine cannot run is named, but is not a failure, not even in CI. */
      readonly isWherePossible: boolean;
    }
  | { readonly kind: 'usage'; readonly text: string };

const WHERE_POSSIBLE = '--where-possible';
const USAGE = `npm run test -- [${LEVELS.join('|')}|fast|all] [${WHERE_POSSIBLE}] [-- <part of a file name>...]`;

/** Reads the command line. Pure. */
export function planTests(args: readonly string[]): TestPlan {
  const split = args.indexOf('--');
  const own = split < 0 ? args : args.slice(0, split);
  if (own.includes('--help') || own.includes('-h')) return { kind: 'help', text: USAGE };
  const filters = split < 0 ? [] : args.slice(split + 1);
  const isWherePossible = own.includes(WHERE_POSSIBLE);
  const [wanted = 'all', ...rest] = own.filter((word) => word !== WHERE_POSSIBLE);
  if (rest.length > 0) return { kind: 'usage', text: `too many arguments: ${USAGE}` };
  const levels = levelsOf(wanted);
  if (levels === null) return { kind: 'usage', text: `there is no test level '${wanted}': ${USAGE}` };
  return { kind: 'run', levels, filters, isWherePossible };
}

function levelsOf(wanted: string): readonly Level[] | null {
  if (wanted === 'all') return EVERY_TIME;
  if (wanted === 'fast') return ['pure', 'redis'];
  const level = LEVELS.find((name) => name === wanted);
  return level === undefined ? null : [level];
}

/** The files of these levels whose path contains one of the filters; every file without a filter. In order. */
export function selectFiles(files: readonly string[], levels: readonly Level[], filters: readonly string[]): string[] {
  return files
    .filter((file) => levels.some((level) => level === levelOf(file)))
    .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
    .sort();
}
