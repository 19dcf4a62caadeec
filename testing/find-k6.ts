import { spawnSync } from 'node:child_process';

const REMEDY = 'install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/), or set K6 to its command';

export type FoundK6 =
  | { readonly ok: true; readonly command: string; readonly version: string }
  | { readonly ok: false; readonly why: string; readonly remedy: string };

/** The command in `K6`, else `k6` on the PATH: k6 is the user's own tool, and not part of the project. */
export function findK6(environment: Readonly<Record<string, string | undefined>>): FoundK6 {
  const named = environment['K6'] ?? '';
  const command = named === '' ? 'k6' : named;
  const asked = spawnSync(command, ['version'], { encoding: 'utf8', timeout: 180_000, env: { ...environment } });
  const [version = ''] = asked.stdout?.split('\n') ?? [];
  if (asked.status === 0) return { ok: true, command, version };
  const why = named === '' ? 'there is no k6 on the PATH' : `K6=${named} does not answer to '${named} version'`;
  return { ok: false, why, remedy: REMEDY };
}
