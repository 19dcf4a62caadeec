import type { Delivery, EventItem } from '../../clients/typescript/src/index.ts';
import { printable } from '../terminal.ts';
import { cell, type Colour, type Paint } from './paint.ts';

const COLOURS: Readonly<Record<string, Colour>> = {
  CHANNEL_CREATE: 'fresh',
  CHANNEL_ANSWER: 'good',
  CHANNEL_BRIDGE: 'good',
  CHANNEL_HOLD: 'busy',
  PARK_PARKED: 'busy',
  CHANNEL_DESTROY: 'dim',
  CHANNEL_DISCONNECTED: 'bad',
};
/** Fields that say most about an event besides its leg, in this order. */
const DETAILS = ['Hangup-Cause', 'DTMF-Digit', 'Parking-Slot', 'Other-Leg-Call-ID', 'Firehose-Synthetic'];
const WIDTHS = { time: 12, name: 22, account: 14, parties: 31 };

/** One line of an event for people: time, name, account, caller and callee, details, Call-ID. Pure. */
export function eventRow(
  { event, account, ingestedAt }: Pick<EventItem | Delivery, 'event' | 'account' | 'ingestedAt'>,
  paint: Paint,
): string {
  const said = (field: string) => {
    const value = event[field];
    return typeof value === 'string' || typeof value === 'number' ? printable(String(value)) : '';
  };
  const name = event['Event-Name'];
  const arrow = said('Call-Direction') === 'outbound' ? '<-' : '->';
  const parties = [said('Caller-ID-Number'), said('Callee-ID-Number') || said('Caller-Destination-Number')];
  const details = DETAILS.map((field) => said(field)).filter((text) => text !== '');
  const isFailed = name === 'CHANNEL_DESTROY' && !/^(|NORMAL_CLEARING|ORIGINATOR_CANCEL)$/.test(said('Hangup-Cause'));
  return [
    paint('dim', cell((ingestedAt ?? '').slice(11, 23), WIDTHS.time)),
    paint(isFailed ? 'bad' : (COLOURS[name] ?? 'plain'), cell(printable(name), WIDTHS.name)),
    cell(printable(account ?? '-'), WIDTHS.account),
    cell(parties.every((one) => one === '') ? '' : parties.join(` ${arrow} `), WIDTHS.parties),
    paint('dim', [said('Call-ID'), ...details].join('  ')),
  ].join('  ');
}
