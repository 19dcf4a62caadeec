import { z } from 'zod';

/** A part of Kubernetes' own API, handed on as it is: the API server checks it. */
const foreign = z.record(z.string(), z.unknown());
export const foreignList = () => z.array(foreign).default([]);
export const texts = () => z.record(z.string(), z.string()).default({});
export const names = () => z.array(z.string().min(1)).default([]);
export const text = (fallback = '') => z.string().default(fallback);
export const flag = (fallback: boolean) => z.boolean().default(fallback);
export const integer = (fallback: number, least: number, most: number) =>
  z.int().min(least).max(most).default(fallback);
export const oneOf = <const T extends readonly [string, ...string[]]>(known: T, fallback: T[number]) =>
  z.enum(known).default(fallback as never);

/** A part with fields of its own, none beside them; what is left out has its default. */
export const section = <T extends z.ZodRawShape>(description: string, shape: T) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description);

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logLevel = () => oneOf(LOG_LEVELS, 'info').describe('Least severe that is logged.');

/** Logs are all that is written beside memory. A CPU limit would only make leases and heartbeats late. */
export const resources = (cpu: string, memory: string, mostMemory: string) =>
  foreign
    .default({
      requests: { cpu, memory, 'ephemeral-storage': '64Mi' },
      limits: { memory: mostMemory, 'ephemeral-storage': '512Mi' },
    })
    .describe('What it asks of a node, and its limits.');

export const env = () =>
  foreignList().describe('More environment variables, such as OTEL_EXPORTER_OTLP_ENDPOINT for traces.');

/** Where pods go, and what they bear. */
export const placement = {
  podLabels: texts().describe('More labels of the pods.'),
  podAnnotations: texts().describe('Annotations of the pods.'),
  nodeSelector: texts().describe('Labels of the nodes that pods may go to.'),
  tolerations: foreignList().describe('Taints that pods bear.'),
  affinity: foreign.default({}).describe('Affinity of the pods.'),
  priorityClassName: text().describe('An existing PriorityClass.'),
};

export const image = (description: string, repository: string, tag: string, tagDescription: string) =>
  section(description, {
    repository: z.string().min(1).default(repository).describe('Registry and name.'),
    tag: text(tag).describe(tagDescription),
    digest: z
      .string()
      .regex(/^(sha256:[0-9a-f]{64})?$/)
      .default('')
      .describe('`sha256:...`; decides, whatever the tag is.'),
    pullPolicy: oneOf(['IfNotPresent', 'Always', 'Never'], 'IfNotPresent').describe('When the image is pulled.'),
  });

export const secretKey = (description: string, key: string) =>
  section(description, {
    name: text().describe('Name of the Secret, in the namespace of the release.'),
    key: z.string().min(1).default(key).describe('Key in it.'),
  });
