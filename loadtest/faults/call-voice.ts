import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { INGEST_PATH, RECONCILE_PATH } from '../../protocol/paths.ts';
import type { Replica } from './replica.ts';

/** The switch of all calls. */
const SWITCH = 'freeswitch@fs1';
const ATTEMPT_LIMIT_MS = 5_000;

export interface SpokenEvent {
  readonly account: string;
  readonly id: string;
  readonly event: object;
}

/** The producer of a switch, which sends to any running replica. */
export interface CallVoice {
  /** Sends events until they are acknowledged. */
  say(events: readonly SpokenEvent[]): Promise<void>;
  /** Sends the switch's present calls. False when no replica accepted them. */
  list(live: Iterable<string>): Promise<boolean>;
}

export function callVoice(replicas: readonly Replica[], stateFolder: string): CallVoice {
  /** The status; 0 without an answer. */
  const post = async (path: string, body: string, type: string): Promise<number> => {
    const up = replicas.filter(({ isUp }) => isUp);
    const inner = up[Math.floor(Math.random() * up.length)]?.inner;
    if (inner === undefined || inner === null) return 0;
    try {
      const token = (await readFile(join(stateFolder, 'ingest-token'), 'utf8')).trim();
      const answer = await fetch(`http://${inner}${path}`, {
        method: 'POST',
        body,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
        signal: AbortSignal.timeout(ATTEMPT_LIMIT_MS),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  };
  return {
    async say(events) {
      const body = events.map((one) => JSON.stringify({ ...one, event: { ...one.event, Node: SWITCH } })).join('\n');
      while ((await post(INGEST_PATH, body, 'application/vnd.firehose.events+ndjson')) !== 200) await delay(50);
    },
    async list(live) {
      const body = JSON.stringify({ switch: SWITCH, live: [...live], listed_at: new Date().toISOString() });
      return (await post(RECONCILE_PATH, body, 'application/json')) === 200;
    },
  };
}
