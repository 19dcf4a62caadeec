import { z } from 'zod';
import {
  env,
  flag,
  foreignList,
  image,
  integer,
  labels,
  logLevel,
  namespaces,
  namespacesOrAll,
  objectName,
  oneOf,
  partOfNames,
  placement,
  resources,
  section,
  texts,
} from './pods.ts';
import { allow } from './allow.ts';
import { directory } from './directory.ts';
import { demo, source } from './source.ts';

/**
 * Every value of the chart, with default and description: `npm run generate` writes values.yaml, values.schema.json and
 * the table in the chart's README from it. No value is optional: an optional one has a default that says so.
 */
export const valuesSchema = z.strictObject({
  nameOverride: partOfNames().describe('Replaces the name of the chart.'),
  fullnameOverride: partOfNames().describe('Replaces the names of release and chart.'),
  commonLabels: labels().describe('Labels of every object.'),
  image: image(
    'Image of operator, gateways, sources and directory servers.',
    'firehose',
    '',
    'Empty: the version of the chart.',
  ),
  imagePullSecrets: foreignList().describe('Existing Secrets for pulling images, as `- name: ...`.'),
  crds: section('The CustomResourceDefinition. It is upgraded with the release.', {
    enabled: flag(true).describe('Installs it. One release of a cluster does that.'),
    keep: flag(true).describe('Leaves it, and with it all resources, behind when the release is uninstalled.'),
  }),
  watchNamespaces: namespacesOrAll().describe('Watched namespaces. Empty: the namespace of the release; `["*"]`: all.'),
  operator: section('The operator.', {
    replicas: integer(2, 0, 9).describe('One leads, the others stand by.'),
    logLevel: logLevel(),
    env: env(),
    resyncSeconds: integer(600, 1, 86_400).describe('Time after which every resource is reconciled again.'),
    workers: integer(8, 1, 64).describe('Resources that are reconciled at a time.'),
    resources: resources('100m', '256Mi', '512Mi'),
    ...placement,
    topologySpreadConstraints: foreignList().describe('Empty: spread over nodes, where that is possible.'),
    disruptionBudget: section('A PodDisruptionBudget, with two replicas or more.', {
      enabled: flag(true).describe('Makes one.'),
      maxUnavailable: integer(1, 1, 9).describe('Replicas that may be evicted at a time.'),
    }),
  }),
  gateway: section('Settings of all gateways. The rest is in each FirehoseSubscription.', {
    image: z
      .string()
      .regex(/^\S{0,512}$/)
      .default('')
      .describe('Image of the gateways, where a resource names none. Empty: `image`.'),
    innerFromNamespaces: namespaces().describe(
      'Namespaces that may reach the inner port of the gateways: that of Prometheus.',
    ),
    serviceMonitors: flag(false).describe('Makes a ServiceMonitor for each resource.'),
  }),
  allow,
  sources: z
    .record(z.string().regex(/^[a-z]([-a-z0-9]{0,42}[a-z0-9])?$/), z.looseObject({}))
    .default({})
    .describe(
      'FirehoseSources in the namespace of the release: the `spec` of each by its name. They go with the release.',
    ),
  source,
  demo,
  directory,
  networkPolicy: section(
    'NetworkPolicies: only the node reaches health and metrics of operator, source and directory servers.',
    {
      enabled: flag(true).describe('Makes them.'),
      fromNamespaces: namespaces().describe('Namespaces that may reach them: that of Prometheus.'),
    },
  ),
  serviceMonitor: section('A ServiceMonitor for operator, source and directory servers, for the Prometheus operator.', {
    enabled: flag(false).describe('Makes it. The cluster must know the kind.'),
    interval: z.string().min(2).default('30s').describe('Scrape interval.'),
    labels: labels().describe('Labels by which a Prometheus selects it and those of `gateway.serviceMonitors`.'),
  }),
  prometheusRule: section('Alerts as a PrometheusRule, for the Prometheus operator. RUNBOOK.md says what to do.', {
    enabled: flag(false).describe('Makes it. The cluster must know the kind.'),
    labels: labels().describe('Labels by which a Prometheus selects it.'),
    runbookUrl: z
      .string()
      .regex(/^[A-Za-z0-9./][!-~]*$/)
      .default('RUNBOOK.md')
      .describe("Where you keep the chart's RUNBOOK.md: the `runbook_url` of an alert is its section there."),
  }),
  dashboards: section('Grafana dashboards (gateway, streams, sources, operator), a ConfigMap each.', {
    enabled: flag(false).describe('Makes them.'),
    labels: labels().describe('By which Grafana\'s sidecar finds them, beside `grafana_dashboard: "1"`.'),
  }),
  uninstall: section('What `helm uninstall` does first: resources cannot be deleted without their operator.', {
    subscriptions: oneOf(['Refuse', 'Delete', 'Ignore'], 'Refuse').describe(
      'While FirehoseSubscriptions exist: refuse, delete them, or ignore them.',
    ),
    timeoutSeconds: integer(660, 1, 86_400).describe('Limit for deleting them.'),
    resources: resources('50m', '128Mi', '256Mi'),
  }),
  serviceAccount: section("The operator's ServiceAccount.", {
    create: flag(true).describe('Makes it.'),
    name: objectName().describe(
      'Of an existing one, or for the one that is made. Empty: made of the name of the release.',
    ),
    annotations: texts().describe('Its annotations.'),
  }),
  rbac: section('Roles.', {
    create: flag(true).describe("Makes the operator's roles. Their rules are in `files/`."),
    aggregate: flag(true).describe('Lets the roles `view`, `edit` and `admin` read or change resources.'),
  }),
});
