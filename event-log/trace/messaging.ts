import type { Attributes } from '@opentelemetry/api';
import { isTracing } from '../../runtime/telemetry/telemetry.ts';

/** The firehose's operations on the log, and the operation types of OpenTelemetry's messaging conventions. */
const TYPES = { send: 'send', receive: 'receive', deliver: 'process', settle: 'settle' } as const;
export type MessagingOperation = keyof typeof TYPES;

/** The log's name in spans. */
export interface MessagingDestination {
  /** `firehose:{p}:events`: one name for all partitions, so that there are few span names. */
  readonly destination: string;
  /** The storage of the log. */
  readonly system: 'redis' | 'firehose';
}

/** Null while no spans are exported: then nothing is computed for them. */
export function tracedDestination(destination: MessagingDestination): MessagingDestination | null {
  return isTracing() ? destination : null;
}

/** Attributes of a span by OpenTelemetry's semantic conventions for messaging. */
export function operationAttributes(
  { destination, system }: MessagingDestination,
  operation: MessagingOperation,
): Attributes {
  return {
    'messaging.system': system,
    'messaging.destination.name': destination,
    'messaging.operation.name': operation,
    'messaging.operation.type': TYPES[operation],
  };
}
