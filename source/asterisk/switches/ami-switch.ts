import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from '../../legs/event-body.ts';
import type { ListedLeg, SwitchEvent } from '../../mapper.ts';
import { SwitchFault, type Switch, type SwitchConnection, type SwitchListener } from '../../switch.ts';
import { readAmiListing } from '../asterisk-listing.ts';
import { connectAmi, type AmiClient } from './ami-client.ts';
import { SWITCH_LIMITS, versionOf, type AsteriskEndpoint, type SwitchLimits } from './endpoint.ts';

/** Event classes that the user needs in `read`. */
const EVENT_MASK = 'call,dtmf';
/** A listing may arrive before the events of the newest channels. */
const NEW_SECONDS = 2;

/**
 * An Asterisk with its manager interface. The user needs `read = call,dtmf` and `write = reporting`. Its events have a
 * time only with `timestampevents = yes`. Without it, the connection is degraded as `TimestampsOff` from the first
 * event on.
 */
export function createAmiSwitch(endpoint: AsteriskEndpoint): Switch {
  return { open: (listener, signal) => openAmi(endpoint, listener, signal) };
}

async function openAmi(
  endpoint: AsteriskEndpoint,
  listener: SwitchListener,
  signal: AbortSignal,
): Promise<SwitchConnection> {
  const { now, limits = SWITCH_LIMITS } = endpoint;
  const ears = createEars(listener);
  const client = await connectAmi(endpoint, ears.listener, limits.stepMs, signal);
  try {
    await logIn(client, endpoint, signal);
    const status = await permitted(client, 'CoreStatus', signal);
    const settings = await permitted(client, 'CoreSettings', signal);
    await client.ask('Events', { EventMask: EVENT_MASK }, signal);
    return liveConnection(client, ears, limits, {
      // In whole seconds: of two starts within one, the second passes as the first.
      instance: `${text(status['CoreStartupDate'])} ${text(status['CoreStartupTime'])}`,
      version: versionOf(settings['AsteriskVersion']),
      since: now(),
    });
  } catch (error) {
    client.fail('Unreachable', 'given up');
    throw error;
  }
}

/** Login by challenge: the password is not sent. */
async function logIn(client: AmiClient, { username, password }: AsteriskEndpoint, signal: AbortSignal): Promise<void> {
  const { Challenge: challenge } = await client.ask('Challenge', { AuthType: 'MD5' }, signal);
  if (challenge === undefined)
    throw new SwitchFault('Protocol', `${client.where}: the manager interface knows no MD5 challenge`);
  const key = createHash('md5')
    .update(`${text(challenge)}${password}`)
    .digest('hex');
  const answer = await client.ask('Login', { AuthType: 'MD5', Username: username, Key: key, Events: 'off' }, signal);
  if (answer['Response'] !== 'Success') {
    const what = 'wrong user or password, or the user is not permitted from this address';
    throw new SwitchFault('Credentials', `${client.where}: ${what}`);
  }
}

async function permitted(client: AmiClient, action: string, signal: AbortSignal): Promise<SwitchEvent> {
  const answer = await client.ask(action, {}, signal);
  if (answer['Response'] !== 'Success') throw refused(client, action);
  return answer;
}

function refused({ where }: AmiClient, action: string): SwitchFault {
  return new SwitchFault('AccessRefused', `${where}: ${action} is refused: the user needs write = reporting`);
}

interface Ears {
  readonly listener: SwitchListener;
  readonly hasHeard: () => boolean;
  readonly degraded: () => string | null;
}

/** Reads the configuration from the first events. */
function createEars(listener: SwitchListener): Ears {
  let heard = false;
  let hasTimes = true;
  return {
    listener: {
      event(event) {
        heard = true;
        if (event['Timestamp'] === undefined) hasTimes = false;
        listener.event(event);
      },
      malformed: (what) => listener.malformed(what),
    },
    hasHeard: () => heard,
    degraded: () => (hasTimes ? null : 'TimestampsOff'),
  };
}

interface Facts {
  readonly instance: string;
  readonly version: string;
  readonly since: number;
}

function liveConnection(client: AmiClient, ears: Ears, limits: SwitchLimits, facts: Facts): SwitchConnection {
  const stop = new AbortController();
  const beating = beat(client, ears, limits.beatMs, stop.signal);
  void client.lost.then(() => stop.abort());
  return {
    ...facts,
    get heardAt() {
      return client.heardAt;
    },
    get degraded() {
      return ears.degraded();
    },
    lost: client.lost,
    listing: (signal) => list(client, signal),
    async [Symbol.asyncDispose]() {
      client.fail('Unreachable', 'closed');
      await beating;
    },
  };
}

async function list(client: AmiClient, signal?: AbortSignal): Promise<readonly ListedLeg[]> {
  const { answer, items } = await client.list('CoreShowChannels', signal);
  if (answer['Response'] !== 'Success') throw refused(client, 'CoreShowChannels');
  return readAmiListing(items);
}

/** Pings until the connection ends. Never rejects. */
async function beat(client: AmiClient, ears: Ears, beatMs: number, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  while (await pause(beatMs, signal)) {
    try {
      if (ears.hasHeard()) await client.ask('Ping', {}, signal);
      else if (isDeaf(await list(client, signal), (performance.now() - began) / 1_000) && !ears.hasHeard()) {
        client.fail('AccessRefused', 'no event of a channel that is listed: the user needs read = call,dtmf');
      }
    } catch (error) {
      client.fail(error instanceof SwitchFault ? error.code : 'Unreachable', 'no sign of life');
    }
  }
}

/**
 * Asterisk sends no call events to a user without `read = call`, and no error either. The listing reveals it: it shows
 * a channel that began while this client listened, but no event arrived. `seconds`: age of the subscription.
 */
function isDeaf(listing: readonly ListedLeg[], seconds: number): boolean {
  return listing.some(({ event }) => {
    const age = secondsOf(event['Duration']);
    // Whole seconds, rounded down.
    return age >= NEW_SECONDS && age + 1 < seconds;
  });
}

const DURATION = /^(\d{1,6}):(\d{2}):(\d{2})$/;

/** `00:01:05` -> 65; Infinity when absent. */
function secondsOf(duration: unknown): number {
  const match = DURATION.exec(text(duration));
  return match === null ? Infinity : Number(match[1]) * 3_600 + Number(match[2]) * 60 + Number(match[3]);
}

async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}
