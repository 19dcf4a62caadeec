import { z } from 'zod';

/** A part of the Kubernetes API, passed through unchanged: the API server checks it. */
const foreign = z.record(z.string(), z.unknown());
export const foreignList = () => z.array(foreign).default([]);
/** Syntax of labels in Kubernetes. */
export const labels = () =>
  z
    .record(
      z.string().regex(/^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9][\w.-]{0,62}$/),
      z.string().regex(/^([A-Za-z0-9][\w.-]{0,62})?$/),
    )
    .default({});
export const texts = () => z.record(z.string(), z.string()).default({});

const NAMESPACE = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
export const listOf = (pattern: RegExp) => z.array(z.string().regex(pattern)).meta({ uniqueItems: true }).default([]);
export const namespaces = () => listOf(new RegExp(`^${NAMESPACE}$`));
/** `*` is all of them. */
export const namespacesOrAll = () => listOf(new RegExp(`^(\\*|${NAMESPACE})$`));
/** Name of an object of the cluster; empty for none. */
export const objectName = () =>
  z
    .string()
    .max(253)
    .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$/)
    .default('');
/** Names of Services are derived from it. */
export const partOfNames = () =>
  z
    .string()
    .regex(/^([a-z]([-a-z0-9]*[a-z0-9])?)?$/)
    .default('');
export const flag = (fallback: boolean) => z.boolean().default(fallback);
export const integer = (fallback: number, least: number, most: number) =>
  z.int().min(least).max(most).default(fallback);
export const oneOf = <const T extends readonly [string, ...string[]]>(known: T, fallback: T[number]) =>
  z.enum(known).default(fallback as never);

/** An object with exactly these fields; an absent one has its default. */
export const section = <T extends z.ZodRawShape>(description: string, shape: T) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description);

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logLevel = () => oneOf(LOG_LEVELS, 'info').describe('Least severe level that is logged.');

/** Only logs are written to disk. A CPU limit would only delay leases and heartbeats. */
export const resources = (cpu: string, memory: string, mostMemory: string) =>
  foreign
    .default({
      requests: { cpu, memory, 'ephemeral-storage': '64Mi' },
      limits: { memory: mostMemory, 'ephemeral-storage': '512Mi' },
    })
    .describe('Resource requests and limits.');

export const env = () =>
  foreignList().describe('More environment variables, such as OTEL_EXPORTER_OTLP_ENDPOINT for traces.');

/** Placement, labels and annotations of pods. */
export const placement = {
  podLabels: labels().describe('More labels of the pods.'),
  podAnnotations: texts().describe('Annotations of the pods.'),
  nodeSelector: labels().describe('Node labels that the pods require.'),
  tolerations: foreignList().describe('Tolerations of the pods.'),
  affinity: foreign.default({}).describe('Affinity of the pods.'),
  priorityClassName: objectName().describe('An existing PriorityClass.'),
};

export const image = (description: string, repository: string, tag: string, tagDescription: string) =>
  section(description, {
    // A tag or digest has a value of its own.
    repository: z
      .string()
      .regex(/^([^\s/@]+\/)*[^\s/@:]+$/)
      .default(repository)
      .describe('Registry and name.'),
    tag: z
      .string()
      .regex(/^(\w[\w.-]{0,127})?$/)
      .default(tag)
      .describe(tagDescription),
    digest: z
      .string()
      .regex(/^(sha256:[0-9a-f]{64})?$/)
      .default('')
      .describe('`sha256:...`; decides, whatever the tag is.'),
    pullPolicy: oneOf(['IfNotPresent', 'Always', 'Never'], 'IfNotPresent').describe('When the image is pulled.'),
  });

export const secretKey = (description: string, key: string) =>
  section(description, {
    name: objectName().describe('Name of the Secret, in the namespace of the release.'),
    key: z
      .string()
      .max(253)
      .regex(/^[-.\w]+$/)
      .default(key)
      .describe('Key in it.'),
  });
