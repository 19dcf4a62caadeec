import { CLOUD_EVENT_END, cloudEventHead, type CloudEventContext } from '../../protocol/cloud-event.ts';
import { textField } from './text-field.ts';

const END = Buffer.from(CLOUD_EVENT_END);
/** The field of an event that names its switch. */
const NODE = 'Node';

/** An event as a CloudEvent. `data` is what a client may see of it; the switch is read from it too. */
export function cloudEvent(data: Buffer, context: Omit<CloudEventContext, 'node'>): Buffer {
  return Buffer.concat([Buffer.from(cloudEventHead({ ...context, node: textField(data, NODE) })), data, END]);
}
