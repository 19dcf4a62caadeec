import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig, type GatewayConfig } from '../../gateway/config.ts';
import { QUICKSTART } from '../../gateway/settings.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { givenToken } from '../../gateway/state/given-token.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { about, type Finding } from '../../protocol/finding.ts';

export interface Configuration {
  /** Null when it is faulty. */
  readonly config: GatewayConfig | null;
  readonly directoryFile: string;
  readonly findings: readonly Finding[];
}

const FIX = 'fix it as docs/configure.md says; until then Redis, keys and listeners cannot be checked';

/** Read by the gateway's own code: the same faults in the same words, all at once. */
export async function readConfiguration(environment: Environment): Promise<Configuration> {
  const say = about('configuration');
  try {
    const config = await readConfig(environment);
    const { metadata, spec } = config.subscription;
    const log = config.redis === null ? 'events are kept in memory' : `Redis, ${config.redis.mode}`;
    const seen = `${metadata.namespace}/${metadata.name}, ${spec.stream.partitions} partitions, ${log}`;
    return { config, directoryFile: config.directoryFile, findings: [say.ok(seen)] };
  } catch (error) {
    if (!(error instanceof ConfigurationFault)) throw error;
    const directoryFile = join(environment['FIREHOSE_CONFIG'] || QUICKSTART, 'directory.yaml');
    return { config: null, directoryFile, findings: error.faults.map((fault) => say.fail(fault, FIX)) };
  }
}

/** The folder that the gateway writes to, the access rights of its content, and the ingest token. Writes nothing. */
export async function lookAtState(config: GatewayConfig): Promise<readonly Finding[]> {
  const folder = config.stateFolder;
  const say = about('state', folder);
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown');
  if (files === 'ENOENT') return [say.ok('is not there yet: made by the first start'), ...(await givenTokens(config))];
  if (typeof files === 'string') return [say.fail(`cannot be used (${files})`, 'name another by FIREHOSE_STATE')];
  const isWritable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable) return [say.fail('cannot be written to', 'give it to the user that the gateway runs as')];
  const open: string[] = [];
  for (const name of files.filter((file) => SECRET.test(file))) {
    const { mode } = await stat(join(folder, name));
    if ((mode & 0o077) !== 0) open.push(join(folder, name));
  }
  const findings =
    open.length === 0
      ? [say.ok(`${files.length} files; no secret is readable for others`)]
      : [say.warn(`others may read ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`)];
  return [...findings, ...(await givenTokens(config))];
}

const SECRET = /\.key$|-token$|^signing-key\.json$/;

/** Certificates and keys from another process; the gateway creates its own at its first start. */
async function givenTokens({ ingestTokenFile, adminTokenFile }: GatewayConfig): Promise<Finding[]> {
  const none = ingestTokenFile === 'none';
  const asked = [
    ['ingest.token', 'FIREHOSE_INGEST_TOKEN_FILE', none ? null : ingestTokenFile],
    ['admin.token', 'FIREHOSE_ADMIN_TOKEN_FILE', adminTokenFile],
  ] as const;
  const findings = await Promise.all(
    asked.map(async ([check, variable, file]) => (file === null ? [] : lookAtToken(check, variable, file))),
  );
  return [...(none ? [about('ingest.token').ok('there is no ingest endpoint')] : []), ...findings.flat()];
}

async function lookAtToken(check: string, variable: string, file: string): Promise<Finding[]> {
  const say = about(check);
  try {
    await givenToken(file, variable);
    return [say.ok(`${file} holds one`)];
  } catch (error) {
    if (!(error instanceof ConfigurationFault)) throw error;
    return error.faults.map((fault) => say.fail(fault, 'mount the Secret, or name the file that holds the token'));
  }
}
