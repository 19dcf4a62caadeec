import { CLOUD_EVENT_END, cloudEventHead, type CloudEventContext } from '../../protocol/cloud-event.ts';
import { sliceMembers, trimJson } from '../../event-log/intake/json-slice.ts';

const END = Buffer.from(CLOUD_EVENT_END);
/** The field of an event that names its switch. */
const NODE = 'Node';

/** An event as a CloudEvent. `data` is what a client may see of it; the switch is read from it too. */
export function cloudEvent(data: Buffer, context: Omit<CloudEventContext, 'node'>): Buffer {
  return Buffer.concat([Buffer.from(cloudEventHead({ ...context, node: nodeOf(data) })), data, END]);
}

/** The switch as an event names it; null when it names none. The event is JSON. */
function nodeOf(event: Buffer): string | null {
  if (!event.includes(NODE)) return null;
  const member = sliceMembers(trimJson(event)).find(({ key }) => key === NODE);
  const node: unknown = member === undefined ? null : JSON.parse(member.value.toString());
  return typeof node === 'string' && node !== '' ? node : null;
}
