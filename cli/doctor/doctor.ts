import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { USAGE } from '../program.ts';
import { printable, type Terminal } from '../terminal.ts';
import { lookAtCertificates } from './certificates.ts';
import { lookAtCollector } from './collector.ts';
import { lookAtState, readConfiguration } from './configuration.ts';
import { lookAtDirectory } from './directory.ts';
import { worst, type Finding } from '../../protocol/finding.ts';
import { asJson, asText } from './finding.ts';
import { bounded } from './limit.ts';
import { lookAtLoginServers } from './login-servers.ts';
import { lookAtListeners } from './listeners.ts';
import { lookAtRedis, type LookedAtRedis } from './redis.ts';
import { lookAtSigningKeys, type LookedAtKeys } from './signing-keys.ts';
import { lookAtSourceListener, lookAtSources } from './sources.ts';
import { readSourceFlags, type AskedSources } from './source-flags.ts';
import { lookAtStreams } from './streams.ts';

export interface DoctorFlags {
  readonly json?: boolean;
  /** `<namespace>/<name>`; several are separated by commas. */
  readonly source?: string;
  /** Inner listener of a source: `host:port`. */
  readonly sourceAddress?: string;
}

/** Of the command: warnings do not count. Wrong use is 2. */
const EXIT = { fine: 0, something: 1 } as const;

/** Checks everything that a gateway with these settings needs, and prints the findings. Returns the exit code. */
export async function doctorCommand(flags: DoctorFlags, terminal: Terminal, environment: Environment): Promise<number> {
  const asked = readSourceFlags(flags);
  if ('fault' in asked) {
    terminal.errors.write(`error: ${printable(asked.fault)}\n`);
    return USAGE;
  }
  const findings = await diagnose(environment, Date.now, asked);
  terminal.output.write(flags.json === true ? asJson(findings) : asText(findings));
  return worst(findings) === 'fail' ? EXIT.something : EXIT.fine;
}

const NO_SOURCES: AskedSources = { names: [], origin: null };

/** Never rejects, changes nothing, and ends within about a minute. `now` returns Unix milliseconds. */
export async function diagnose(
  environment: Environment,
  now: () => number = Date.now,
  { names, origin }: AskedSources = NO_SOURCES,
): Promise<readonly Finding[]> {
  const { config, directoryFile, findings } = await readConfiguration(environment);
  const always = [
    bounded('directory', () => lookAtDirectory(directoryFile, config)),
    bounded('collector', () => lookAtCollector(environment)),
    ...(origin === null ? [] : [bounded('source', () => lookAtSourceListener(origin))]),
  ];
  if (config === null) return [...findings, ...(await Promise.all(always)).flat()];
  let keys: LookedAtKeys = { findings: [], signs: null };
  let redis: LookedAtRedis = { findings: [], masters: [] };
  const connection = config.redis;
  const ofRedis = async () => {
    if (connection === null) return [];
    const given = { ...config, redis: connection };
    const servers = await bounded('redis', async () => (redis = await lookAtRedis(given, now)).findings);
    const input = { config: given, masters: redis.masters, signs: keys.signs, now: now() };
    const streams = redis.masters.length === 0 ? [] : await bounded('streams', () => lookAtStreams(input));
    const { keyPrefix } = config.subscription.spec.redis;
    const ofSources =
      redis.masters.length === 0 || names.length === 0
        ? []
        : await bounded('source', () => lookAtSources({ redis: connection, keyPrefix, names, now }));
    return [...servers, ...streams, ...ofSources];
  };
  const own = await Promise.all([
    bounded('state', () => lookAtState(config)),
    bounded('signing_keys', async () => (keys = await lookAtSigningKeys(config, now())).findings),
    bounded('certificate', () => lookAtCertificates(config, now())),
    bounded('login', () => lookAtLoginServers(config)),
  ]);
  const rest = await Promise.all([...always, ofRedis(), bounded('gateway', () => lookAtListeners(config, now))]);
  return [...findings, ...own.flat(), ...rest.flat()];
}
