import type { EslSocket } from '../esl/esl-socket.ts';
import { text } from '../legs/event-body.ts';
import type { ListedLeg, SwitchEvent } from '../mapper.ts';
import { SwitchFault } from '../switch.ts';
import { readChannels } from './freeswitch-listing.ts';

export interface ListOptions {
  /** Core-UUID of the switch. */
  readonly core: string;
  /** Whether the user may run `uuid_dump`. */
  readonly canDump: boolean;
  /** Milliseconds for one answer, and for all of them. */
  readonly limits: { readonly step: number; readonly listing: number };
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A leg's id that cannot contain a second command or argument. */
const LEG = /^[A-Za-z0-9._@:+-]{1,512}$/;

/**
 * Lists the legs of the switch with their variables. `show channels` lacks variables, so each leg is dumped, one after
 * the other, because the switch sends no events while it runs a command. A leg that ends in the meantime is listed as
 * it was: its DESTROY follows. Rejects with a SwitchFault, or with the signal's reason.
 */
export async function listChannels(
  esl: EslSocket,
  { core, canDump, limits, now }: ListOptions,
  signal: AbortSignal,
): Promise<readonly ListedLeg[]> {
  const until = now() + limits.listing;
  const { ok, body } = await esl.command('api show channels as json', limits.listing, signal);
  if (!ok) throw new SwitchFault('AccessRefused', "The user's esl-allowed-api must have show");
  const answer = parseObject(body);
  if (answer === null) {
    throw new SwitchFault('Protocol', 'The switch does not list its channels as JSON: is mod_commands loaded?');
  }
  const dumps = new Map<string, SwitchEvent>();
  for (const { id } of canDump ? readChannels(answer, core, dumps) : []) {
    if (!LEG.test(id)) continue;
    if (now() > until) break;
    const dump = parseObject((await esl.command(`api uuid_dump ${id} json`, limits.step, signal)).body);
    if (dump !== null && text(dump['Unique-ID']) === id) dumps.set(id, dump);
  }
  return readChannels(answer, core, dumps);
}

/** Null for `-ERR No such channel!` and anything else that is not a JSON object. */
function parseObject(body: Buffer): SwitchEvent | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SwitchEvent) : null;
  } catch {
    return null;
  }
}
