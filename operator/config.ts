import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import type { ValuesOf } from '../runtime/settings/setting.ts';
import type { Policy } from './policy/policy.ts';
import type { RenderSettings } from './resources/rendering.ts';
import { OPERATOR_SETTINGS } from './settings.ts';

/**
 * The settings of an operator process. The API server is found as by every client (KUBECONFIG, service account).
 * More than eight members: one for each setting of the table; rendering and policy get their own parts.
 */
export interface OperatorConfig {
  readonly settings: Omit<RenderSettings, 'addressGuard'>;
  /** What resources may request. */
  readonly policy: Policy;
  /** Null: the whole cluster; undefined in the environment: the namespace of the credentials. */
  readonly watchNamespaces: readonly string[] | null | 'own';
  /** Namespace of the Lease; default: the namespace of the credentials. */
  readonly namespace: string | null;
  /** Unique among operators: the pod's name. */
  readonly identity: string;
  readonly host: string;
  readonly port: number;
  readonly resyncMs: number;
  readonly workers: number;
}

/** Null: the whole cluster; `own`: the namespace of the credentials. */
export function watchedNamespaces(given: readonly string[] | '*' | null): OperatorConfig['watchNamespaces'] {
  return given === '*' ? null : given === null || given.length === 0 ? 'own' : given;
}

/** Reads everything at once; throws one ConfigurationFault that lists every fault. `unique` names this process. */
export function readConfig(environment: Environment, unique: string): OperatorConfig {
  const { values, faults } = readSettings(OPERATOR_SETTINGS, environment);
  if (faults.length > 0) throw new ConfigurationFault(faults);
  return {
    settings: {
      image: values.FIREHOSE_GATEWAY_IMAGE,
      innerFromNamespaces: values.FIREHOSE_INNER_FROM_NAMESPACES ?? [],
      serviceMonitors: values.FIREHOSE_SERVICE_MONITORS,
      serviceMonitorLabels: labelsOf(values.FIREHOSE_SERVICE_MONITOR_LABELS ?? []),
    },
    policy: policyOf(values),
    watchNamespaces: watchedNamespaces(values.FIREHOSE_WATCH_NAMESPACES),
    namespace: values.FIREHOSE_NAMESPACE,
    identity: `${values.FIREHOSE_IDENTITY ?? 'operator'}_${unique}`,
    host: values.FIREHOSE_OPERATOR_HOST,
    port: values.FIREHOSE_OPERATOR_PORT,
    resyncMs: values.FIREHOSE_RESYNC_SECONDS * 1_000,
    workers: values.FIREHOSE_WORKERS,
  };
}

/** From texts `key=value`. */
function labelsOf(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(given.map((label) => label.split('=') as [string, string]));
}

/** `none` is an empty list, where the default is not empty. */
function policyOf(values: ValuesOf<typeof OPERATOR_SETTINGS>): Policy {
  const entries = (given: readonly string[]) => (given.length === 1 && given[0] === 'none' ? [] : given);
  return {
    images: entries(values.FIREHOSE_ALLOW_IMAGES),
    annotationPrefixes: entries(values.FIREHOSE_ALLOW_ANNOTATION_PREFIXES),
    labelPrefixes: entries(values.FIREHOSE_ALLOW_LABEL_PREFIXES),
    hostSuffixes: entries(values.FIREHOSE_ALLOW_HOST_SUFFIXES),
    issuers: entries(values.FIREHOSE_ALLOW_ISSUERS),
    serviceTypes: entries(values.FIREHOSE_ALLOW_SERVICE_TYPES),
    loadBalancerClasses: entries(values.FIREHOSE_ALLOW_LOAD_BALANCER_CLASSES),
    priorityClasses: entries(values.FIREHOSE_ALLOW_PRIORITY_CLASSES),
    privateWebhookHosts: entries(values.FIREHOSE_ALLOW_PRIVATE_WEBHOOK_HOSTS),
    secretOwners: entries(values.FIREHOSE_ALLOW_SECRET_OWNERS),
  };
}
