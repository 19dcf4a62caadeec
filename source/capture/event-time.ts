import { readAmiEvent } from '../asterisk/read-ami.ts';
import { readAriEvent } from '../asterisk/read-ari.ts';
import { wholeNumber } from '../legs/event-body.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { CaptureKind } from './capture-kinds.ts';

/** Unix milliseconds of an event by its switch: the time in a capture without times of receipt. */
export function eventTime(kind: CaptureKind, event: SwitchEvent): number | undefined {
  const micros = microsOf(kind, event);
  return micros === undefined ? undefined : micros / 1_000;
}

function microsOf(kind: CaptureKind, event: SwitchEvent): number | undefined {
  switch (kind) {
    case 'kazoo':
      return wholeNumber(event['Msg-ID']);
    case 'freeswitch':
      return wholeNumber(event['Event-Date-Timestamp']);
    case 'asterisk-ami':
      return readAmiEvent(event).micros;
    case 'asterisk-ari':
      return readAriEvent(event).micros;
  }
}
