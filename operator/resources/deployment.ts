import { LEAVE_TOGETHER_S } from '../../protocol/leave-together.ts';
import { DEPLOYMENTS, type KubeObject } from '../kubernetes/objects.ts';
import { container, drainSeconds, GRACE_S, volumes } from './container.ts';
import { placement, POD_SECURITY, RESTART_ANNOTATION } from './pod.ts';
import { labelsOf, namesOf, owned, selectorOf, type Rendering } from './rendering.ts';

/** The owner of the number of replicas: the operator, or an autoscaler. */
export const REPLICAS_ANNOTATION = 'firehose.dev/replicas';

/**
 * The gateways. All new pods are ready before an old one drains, so that a client reconnects once. `replicas` is
 * omitted when null: then an autoscaler decides.
 */
export function deployment(rendering: Rendering, replicas: number | null): KubeObject {
  const { metadata, spec } = rendering.subscription;
  const { podTemplate, imagePullSecrets } = spec.gateway;
  const body = {
    ...(replicas !== null && { replicas }),
    selector: { matchLabels: selectorOf(metadata.name) },
    minReadySeconds: 10,
    revisionHistoryLimit: 3,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } },
    template: {
      metadata: {
        labels: { ...podTemplate.labels, ...labelsOf(metadata.name) },
        annotations: { ...podTemplate.annotations, [RESTART_ANNOTATION]: rendering.restartHash },
      },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: LEAVE_TOGETHER_S + drainSeconds(spec) + GRACE_S,
        securityContext: POD_SECURITY,
        ...(imagePullSecrets.length > 0 && { imagePullSecrets }),
        ...placement(podTemplate, selectorOf(metadata.name)),
        containers: [container(rendering)],
        volumes: volumes(rendering),
      },
    },
  };
  const annotations: Record<string, string> = replicas === null ? {} : { [REPLICAS_ANNOTATION]: 'managed' };
  return owned(rendering, DEPLOYMENTS, namesOf(metadata.name).gateway, { spec: body }, annotations);
}
