import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quickstartResource } from '../../gateway/testing/quickstart-resource.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { freePort } from '../../testing/free-port.ts';
import type { Finding, Status } from '../../protocol/finding.ts';

const QUICKSTART = new URL('../../gateway/quickstart/', import.meta.url);

/** A folder with the quickstart's files and the settings that name it, for tests. */
export interface Settings extends AsyncDisposable {
  readonly folder: string;
  readonly environment: Environment;
}

/** `spec` is further fields of the subscription. The ports are free ones, where nothing listens. */
export async function settings(spec: object = {}, more: Environment = {}): Promise<Settings> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-doctor-'));
  const given = await quickstartResource();
  const fields = Object.entries(spec).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
  await writeFile(join(folder, 'subscription.yaml'), `${given}${fields.join('')}`);
  await writeFile(join(folder, 'directory.yaml'), await readFile(new URL('directory.yaml', QUICKSTART), 'utf8'));
  return {
    folder,
    environment: {
      FIREHOSE_CONFIG: folder,
      FIREHOSE_STATE: join(folder, 'state'),
      FIREHOSE_PORT: String(await freePort()),
      FIREHOSE_INNER_PORT: String(await freePort()),
      ...more,
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The findings that are of this status or worse, as `check: seen`. */
export function troubles(findings: readonly Finding[], least: Status = 'warn'): string[] {
  return findings
    .filter(({ status }) => status === 'fail' || status === least)
    .map(({ status, check, seen }) => `${status} ${check}: ${seen}`);
}

export function ofCheck(findings: readonly Finding[], check: string): Finding[] {
  return findings.filter((finding) => finding.check === check);
}
