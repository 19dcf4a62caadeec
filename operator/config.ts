import { z } from 'zod';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import { SAFE_POLICY, type Policy } from './policy/policy.ts';
import type { RenderSettings } from './resources/rendering.ts';

/** The settings of an operator process. The API server is found as every client finds it (KUBECONFIG, service account). */
export interface OperatorConfig {
  readonly settings: RenderSettings;
  /** What resources may ask for. */
  readonly policy: Policy;
  /** Null: the whole cluster; undefined in the environment: the namespace of the credentials. */
  readonly watchNamespaces: readonly string[] | null | 'own';
  /** Of the Lease; the namespace of the credentials when not given. */
  readonly namespace: string | null;
  /** Unlike that of any other operator: the pod's name. */
  readonly identity: string;
  readonly host: string;
  readonly port: number;
  readonly resyncMs: number;
  readonly workers: number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** What stands between commas. */
const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
const names = (what: string) => list().refine((items) => items.every((name) => NAMESPACE.test(name)), what);
const LABEL = /^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9][\w.-]{0,62}=(?:[A-Za-z0-9][\w.-]{0,62})?$/;
const labels = (what: string) =>
  list()
    .refine((items) => items.every((label) => LABEL.test(label)), what)
    .transform((items) => Object.fromEntries(items.map((label) => label.split('=') as [string, string])));
/** Entries of an allow-list; `none` is an empty one, where the default is not. */
const allowed = (fallback: readonly string[]) =>
  list()
    .refine(
      (items) => items.every((item) => /^\S{1,253}$/.test(item)),
      'entries without blanks, with commas between them',
    )
    .transform((items) => (items.length === 1 && items[0] === 'none' ? [] : items))
    .default([...fallback]);
const integer = (what: string, least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, what)
    .transform(Number)
    .pipe(z.number().min(least, what).max(most, what));

/** `*` or a list, as the environment has it. */
export const watchNamespaces = z
  .literal('*')
  .or(names('* or a list of namespaces, with commas between them'))
  .optional();

/** Null: the whole cluster; `own`: the namespace of the credentials. */
export function watchedNamespaces(given: z.output<typeof watchNamespaces>): readonly string[] | null | 'own' {
  return given === '*' ? null : given === undefined || given.length === 0 ? 'own' : given;
}

const settings = z.object({
  FIREHOSE_GATEWAY_IMAGE: z
    .string({ error: 'the image of the gateways, as registry.example.com/firehose:1.0.0' })
    .regex(/^[^\s]{1,512}$/, 'an image reference'),
  FIREHOSE_WATCH_NAMESPACES: watchNamespaces,
  FIREHOSE_NAMESPACE: z.string().regex(NAMESPACE, 'a namespace').optional(),
  FIREHOSE_IDENTITY: z.string().min(1).max(253).optional(),
  FIREHOSE_INNER_FROM_NAMESPACES: names('a list of namespaces, with commas between them').default([]),
  FIREHOSE_ALLOW_IMAGES: allowed(SAFE_POLICY.images),
  FIREHOSE_ALLOW_ANNOTATION_PREFIXES: allowed(SAFE_POLICY.annotationPrefixes),
  FIREHOSE_ALLOW_LABEL_PREFIXES: allowed(SAFE_POLICY.labelPrefixes),
  FIREHOSE_ALLOW_HOST_SUFFIXES: allowed(SAFE_POLICY.hostSuffixes),
  FIREHOSE_ALLOW_ISSUERS: allowed(SAFE_POLICY.issuers),
  FIREHOSE_ALLOW_PRIORITY_CLASSES: allowed(SAFE_POLICY.priorityClasses),
  FIREHOSE_ALLOW_SECRET_OWNERS: allowed(SAFE_POLICY.secretOwners),
  FIREHOSE_SERVICE_MONITORS: z.enum(['true', 'false'], { error: 'true or false' }).default('false'),
  FIREHOSE_SERVICE_MONITOR_LABELS: labels('labels as key=value, with commas between them').default({}),
  FIREHOSE_OPERATOR_HOST: z.string().min(1).default('::'),
  FIREHOSE_OPERATOR_PORT: integer('a port from 0 (any free one) to 65535', 0, 65_535).default(8_080),
  FIREHOSE_RESYNC_SECONDS: integer('seconds from 1 to 86400', 1, 86_400).default(600),
  FIREHOSE_WORKERS: integer('workers from 1 to 64', 1, 64).default(8),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

/** Reads everything at once; throws one ConfigurationFault that lists every fault. `unique` names this process. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>, unique: string): OperatorConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    throw new ConfigurationFault(
      parsed.error.issues.map((issue) => `environment: ${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const { data } = parsed;
  return {
    settings: {
      image: data.FIREHOSE_GATEWAY_IMAGE,
      innerFromNamespaces: data.FIREHOSE_INNER_FROM_NAMESPACES,
      serviceMonitors: data.FIREHOSE_SERVICE_MONITORS === 'true',
      serviceMonitorLabels: data.FIREHOSE_SERVICE_MONITOR_LABELS,
    },
    policy: policyOf(data),
    watchNamespaces: watchedNamespaces(data.FIREHOSE_WATCH_NAMESPACES),
    namespace: data.FIREHOSE_NAMESPACE ?? null,
    identity: `${data.FIREHOSE_IDENTITY ?? 'operator'}_${unique}`,
    host: data.FIREHOSE_OPERATOR_HOST,
    port: data.FIREHOSE_OPERATOR_PORT,
    resyncMs: data.FIREHOSE_RESYNC_SECONDS * 1_000,
    workers: data.FIREHOSE_WORKERS,
  };
}

function policyOf(data: z.output<typeof settings>): Policy {
  return {
    images: data.FIREHOSE_ALLOW_IMAGES,
    annotationPrefixes: data.FIREHOSE_ALLOW_ANNOTATION_PREFIXES,
    labelPrefixes: data.FIREHOSE_ALLOW_LABEL_PREFIXES,
    hostSuffixes: data.FIREHOSE_ALLOW_HOST_SUFFIXES,
    issuers: data.FIREHOSE_ALLOW_ISSUERS,
    priorityClasses: data.FIREHOSE_ALLOW_PRIORITY_CLASSES,
    secretOwners: data.FIREHOSE_ALLOW_SECRET_OWNERS,
  };
}
