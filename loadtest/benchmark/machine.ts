import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { isPinned } from './processes.ts';

/** Programs, versions and machine of a run: figures without them cannot be compared. */
export function describeMachine(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const first = (program: string, flag: string) => {
    try {
      return execFileSync(program, [flag], { encoding: 'utf8' }).split('\n')[0] ?? '';
    } catch {
      // Programs that an earlier run compiled need no compiler.
      return `${program}: version unknown`;
    }
  };
  const pinned = isPinned()
    ? 'server under test on core 0, all else on core 1'
    : 'NOT PINNED: no taskset or one core, figures are rough';
  return [
    `firehose ${version}, Node ${process.version}, Linux ${release()}`,
    first('redis-server', '--version'),
    first('cc', '--version'),
    // Not availableParallelism(): this process is pinned to one core by now.
    `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; ${pinned}`,
    `load before the start: ${loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')}`,
  ].join('\n');
}
