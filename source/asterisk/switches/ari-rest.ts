import { z } from 'zod';
import type { ListedLeg } from '../../mapper.ts';
import { SwitchFault, type SwitchReason } from '../../switch.ts';
import { readAriListing } from '../asterisk-listing.ts';
import { versionOf } from './endpoint.ts';

/** `GET` of a path below `/ari/`. Rejects with a SwitchFault. */
export type AriGet = (
  path: string,
  signal?: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

const info = z.object({
  system: z.object({ version: z.string().optional() }).optional(),
  status: z.object({ startup_time: z.string().min(1) }),
});

/** The start time distinguishes the lives of an Asterisk. */
export async function readInfo(
  get: AriGet,
  where: string,
  signal: AbortSignal,
): Promise<{ readonly instance: string; readonly version: string }> {
  const parsed = info.safeParse(await getJson(get, 'asterisk/info', where, signal));
  if (!parsed.success) throw new SwitchFault('Protocol', `${where}: asterisk/info has no start time`);
  return { instance: parsed.data.status.startup_time, version: versionOf(parsed.data.system?.version) };
}

export async function listChannels(get: AriGet, where: string, signal: AbortSignal): Promise<readonly ListedLeg[]> {
  const channels = await getJson(get, 'channels', where, signal);
  return readAriListing(channels, await getJson(get, 'bridges', where, signal));
}

async function getJson(get: AriGet, path: string, where: string, signal: AbortSignal): Promise<unknown> {
  const { status, body } = await get(path, signal);
  if (status !== 200) throw statusFault(status, `${where}: ${path}`);
  try {
    return JSON.parse(body);
  } catch {
    throw new SwitchFault('Protocol', `${where}: ${path} is not JSON`);
  }
}

const BY_STATUS: Readonly<Record<number, SwitchReason>> = { 401: 'Credentials', 403: 'AccessRefused' };

/** Why Asterisk's HTTP server refuses. `what` names the request. */
export function statusFault(status: number, what: string): SwitchFault {
  const isPassing = status >= 500 || status === 0;
  return new SwitchFault(BY_STATUS[status] ?? (isPassing ? 'Unreachable' : 'Protocol'), `${what}: status ${status}`);
}
