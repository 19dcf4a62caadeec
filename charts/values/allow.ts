import { z } from 'zod';
import { SAFE_POLICY } from '../../operator/policy/policy.ts';
import { section } from './pods.ts';

/** Entries without a comma: the operator gets them as one variable. */
const entries = (list: readonly string[]) =>
  z
    .array(z.string().regex(/^[^\s,]{1,253}$/))
    .meta({ uniqueItems: true })
    .default([...list]);

/** What tenants may request: `operator/policy` judges by it. */
export const allow = section(
  'What a FirehoseSubscription may ask for beyond a plain firehose. Empty: nothing; `["*"]`: everything.',
  {
    images: entries(SAFE_POLICY.images).describe(
      'Repositories of `gateway.image`, as `registry.example.com/firehose`; with a `/` at the end all below it.',
    ),
    annotationPrefixes: entries(SAFE_POLICY.annotationPrefixes).describe(
      'Beginnings of annotation keys that controllers act on, as `nginx.ingress.kubernetes.io/proxy-`.',
    ),
    labelPrefixes: entries(SAFE_POLICY.labelPrefixes).describe('Beginnings of label keys of the pods, as `team`.'),
    hostSuffixes: entries(SAFE_POLICY.hostSuffixes).describe(
      'Domains of Ingress, HTTPRoute and issued certificates, as `example.com`.',
    ),
    issuers: entries(SAFE_POLICY.issuers).describe('As `ClusterIssuer/letsencrypt` or `Issuer/*`.'),
    serviceTypes: entries(SAFE_POLICY.serviceTypes).describe(
      'Types of `gateway.service`: `LoadBalancer`, `NodePort`. `ClusterIP` needs no permission.',
    ),
    loadBalancerClasses: entries(SAFE_POLICY.loadBalancerClasses).describe(
      'Values of `gateway.service.loadBalancerClass`, as `service.k8s.aws/nlb`.',
    ),
    priorityClasses: entries(SAFE_POLICY.priorityClasses).describe('Names of PriorityClasses.'),
    privateWebhookHosts: entries(SAFE_POLICY.privateWebhookHosts).describe(
      'Receivers of webhooks that may have private addresses, as `crm.svc.cluster.local`.',
    ),
    secretOwners: entries(SAFE_POLICY.secretOwners).describe(
      'Kinds whose Secrets may be named although they own them, as `ExternalSecret.external-secrets.io`.',
    ),
  },
);
