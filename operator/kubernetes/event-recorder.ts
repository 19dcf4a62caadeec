import { createHash } from 'node:crypto';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { KubernetesApi } from './api.ts';
import { EVENTS, type KubeObject } from './objects.ts';

export interface EventOptions {
  readonly api: Pick<KubernetesApi, 'create'>;
  /** The reporter: the pod's name. */
  readonly instance: string;
  readonly logger: Logger;
}

export type RecordEvent = (
  about: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => Promise<void>;

const MAX_MESSAGE = 1_024;

/** Records Events for transitions. A failure to record one is logged, and nothing else fails. */
export function createEventRecorder({ api, instance, logger }: EventOptions): RecordEvent {
  return async (about, type, reason, message) => {
    const { name, namespace = 'default', uid = '', resourceVersion = '' } = about.metadata;
    const now = new Date();
    const unique = createHash('sha256').update(`${uid}${reason}${message}${now.getTime()}`).digest('hex').slice(0, 16);
    const time = now.toISOString().replace(/\.\d+/, '');
    try {
      await api.create(EVENTS, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { namespace, name: `${name.slice(0, 200)}.${unique}` },
        involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion },
        type,
        reason,
        message: message.slice(0, MAX_MESSAGE),
        source: { component: 'firehose-operator' },
        reportingComponent: 'firehose-operator',
        reportingInstance: instance,
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      });
    } catch (error) {
      logger.warn(
        { reason, resource: `${namespace}/${name}`, why: (error as Error).message },
        'an Event could not be recorded',
      );
    }
  };
}
