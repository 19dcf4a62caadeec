import type { Subscription } from '../../protocol/subscription.ts';
import type { Component } from './rendering.ts';

interface Described {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Pick<Subscription['spec'], 'telemetry'>;
}

/** Key of the Secret that `headersSecretName` names. */
export const HEADERS_KEY = 'headers';

/** OpenTelemetry's own variables; none when nothing is exported. */
export function telemetryEnvironment(component: Component, { metadata, spec }: Described): object[] {
  const { otlp } = spec.telemetry;
  if (otlp === undefined) return [];
  const { endpoint, protocol, headersSecretName, samplePercent } = otlp;
  const attributes = {
    'service.instance.id': '$(POD_NAME)',
    'k8s.namespace.name': metadata.namespace,
    'k8s.pod.name': '$(POD_NAME)',
    [component === 'gateway' ? 'firehose.subscription' : 'firehose.source']: `${metadata.namespace}/${metadata.name}`,
  };
  const value = (name: string, text: string) => ({ name, value: text });
  return [
    // Before the variables that refer to it: Kubernetes expands only earlier ones.
    { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    value('OTEL_SERVICE_NAME', `firehose-${component}`),
    value('OTEL_RESOURCE_ATTRIBUTES', pairs(attributes)),
    value('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint),
    value('OTEL_EXPORTER_OTLP_PROTOCOL', protocol),
    ...(headersSecretName === undefined
      ? []
      : [
          {
            name: 'OTEL_EXPORTER_OTLP_HEADERS',
            valueFrom: { secretKeyRef: { name: headersSecretName, key: HEADERS_KEY } },
          },
        ]),
    value('OTEL_TRACES_SAMPLER', 'parentbased_traceidratio'),
    value('OTEL_TRACES_SAMPLER_ARG', String(samplePercent / 100)),
  ];
}

function pairs(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map((pair) => pair.join('='))
    .join(',');
}
