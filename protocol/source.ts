import { z } from 'zod';
import { kazoo } from './source-spec/kazoo.ts';
import { mappingFields } from './source-spec/mapping.ts';
import { simulator } from './source-spec/simulator.ts';
import { asterisk, freeswitch } from './source-spec/switches.ts';
import { disruptionBudget, networkPolicy } from './subscription/exposure.ts';
import { image, imagePullSecrets, podTemplate, resources } from './subscription/pods.ts';
import { redis } from './subscription/redis.ts';
import { dnsName, duration, immutable, ruled } from './subscription/rules.ts';
import { platformOnly, restartRules, type Place, type RestartRules } from './subscription/takes-effect.ts';
import { logLevel, telemetry } from './subscription/telemetry.ts';

/** The origin of events. A source has exactly one of these fields. */
const SOURCE_KINDS = ['kazoo', 'freeswitch', 'asterisk', 'simulator'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

const stream = z.strictObject({
  partitions: immutable(
    z.int().min(1).max(64),
    'stream.partitions cannot be changed: order within a call would end, and every cursor with it',
  ).default(4),
  /** An event counts as written once this many replicas of its Redis have it. */
  waitReplicas: z.int().min(0).max(16).default(0),
  /** Applies while no subscription uses the streams: no other process trims them then. */
  retention: z
    .strictObject({
      /** Entries kept in each partition. */
      maxLength: z.int().min(1).max(1_000_000_000).default(50_000),
      maxAge: duration('1m', '8760h').default('1h'),
    })
    .prefault({}),
});

const fields = z.strictObject({
  /** No replica runs; the log keeps its entries. */
  suspend: platformOnly(z.boolean().default(false)),
  /** All listen, one publishes. */
  replicas: platformOnly(z.int().min(0).max(20).default(2)),
  redis: redis.prefault({}),
  stream: stream.prefault({}),
  kazoo: kazoo.optional(),
  freeswitch: freeswitch.optional(),
  asterisk: asterisk.optional(),
  simulator: simulator.optional(),
  ...mappingFields,
  /** Default: the operator's own. */
  image: platformOnly(image.optional()),
  imagePullSecrets: platformOnly(imagePullSecrets.default([])),
  resources: platformOnly(resources.prefault({})),
  podTemplate: platformOnly(podTemplate.prefault({})),
  disruptionBudget: platformOnly(disruptionBudget.prefault({})),
  networkPolicy: platformOnly(networkPolicy.prefault({})),
  /** Of the source's pods; a standalone process has the standard `OTEL_*` variables. */
  telemetry: platformOnly(telemetry.prefault({})),
  /** Of the source's pods; a standalone process has `LOG_LEVEL`. */
  logLevel: platformOnly(logLevel.default('info')),
});

const given = SOURCE_KINDS.map((kind) => `has(self.${kind})`).join(', ');
const unchanged = SOURCE_KINDS.map((kind) => `has(self.${kind}) == has(oldSelf.${kind})`).join(' && ');

const oneKind = ruled(fields, {
  cel: `[${given}].filter(said, said).size() == 1`,
  holds: (spec) => SOURCE_KINDS.filter((kind) => spec[kind] !== undefined).length === 1,
  message: `exactly one of ${SOURCE_KINDS.join(', ')}`,
});
const rules = (oneKind.meta() as { 'x-kubernetes-validations': object[] })['x-kubernetes-validations'];

/**
 * The FirehoseSource, read by `firehose source` from a file and by the API server as a custom resource (crds/ is
 * generated from it). Every field has its default here and works.
 */
export const sourceSpecSchema = oneKind.meta({
  ...oneKind.meta(),
  'x-kubernetes-validations': [
    ...rules,
    { rule: unchanged, message: 'the kind of a source cannot be changed: make another resource' },
  ],
});
export type SourceSpec = z.output<typeof sourceSpecSchema>;

/** A manifest as kubectl takes and prints it: its other metadata and its status are ignored. */
export const sourceSchema = z.strictObject({
  apiVersion: z.literal('firehose.dev/v1alpha1'),
  kind: z.literal('FirehoseSource'),
  metadata: z.looseObject({
    name: dnsName('a DNS name'),
    namespace: dnsName('a DNS label').default('default'),
  }),
  spec: sourceSpecSchema,
  status: z.unknown().optional(),
});
export type Source = z.output<typeof sourceSchema>;

/** The kind of a specification. */
export function sourceKind(spec: SourceSpec): SourceKind {
  const kind = SOURCE_KINDS.find((one) => spec[one] !== undefined);
  if (kind === undefined) throw new TypeError('the schema accepts no source without a kind');
  return kind;
}

/** Names of the switches or brokers, in order; the simulator has none. */
export function endpointNames(spec: SourceSpec): readonly string[] {
  const list = busOf(spec)?.brokers ?? spec.freeswitch?.endpoints ?? spec.asterisk?.endpoints ?? [];
  return list.map(({ name }) => name);
}

/** What is consumed from RabbitMQ, and the name of its section of the specification; null for other sources. */
export function busOf({ kazoo: bus, freeswitch: switches }: SourceSpec) {
  if (bus !== undefined) return { place: 'kazoo', ...bus } as const;
  return switches?.amqp === undefined ? null : ({ place: 'freeswitch.amqp', ...switches.amqp } as const);
}

let madeRules: RestartRules | undefined;
/** When a change of each field takes effect; made once, from the marks in the schema. */
export function sourceTakesEffect(): RestartRules {
  madeRules ??= restartRules(sourceSpecSchema);
  return madeRules;
}

/** The part of a specification whose change needs a restart of the source. */
export function sourceRestartView(spec: SourceSpec, place: Place): unknown {
  return sourceTakesEffect().view(spec, place);
}
