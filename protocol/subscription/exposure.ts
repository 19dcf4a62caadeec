import { z } from 'zod';
import { hostName, listOf, objectName, ruled, setOf, stringMap } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

/** A Service that clients or switches reach. */
export const service = ruled(
  z.strictObject({
    type: z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']).default('ClusterIP'),
    port: z.int().min(1).max(65_535).default(9_443),
    annotations: stringMap(64).default({}),
    loadBalancerClass: z.string().min(1).max(253).optional(),
  }),
  {
    cel: "!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",
    holds: ({ type, loadBalancerClass }) => loadBalancerClass === undefined || type === 'LoadBalancer',
    message: 'loadBalancerClass is only for type LoadBalancer',
    field: 'loadBalancerClass',
  },
);

const issuerRef = z.strictObject({
  name: objectName(),
  kind: z.enum(['Issuer', 'ClusterIssuer']).default('Issuer'),
  group: hostName().default('cert-manager.io'),
});

/** The certificate that clients see: by default the operator's own, which it renews. */
export const tls = ruled(
  z.strictObject({
    /** A Secret of type kubernetes.io/tls that the platform renews. */
    secretName: platformOnly(objectName().optional()),
    /** Requested from cert-manager. */
    issuerRef: platformOnly(issuerRef.optional()),
    /** Plain HTTP, behind a proxy that terminates TLS. */
    disabled: z.boolean().default(false),
    /** Names in the certificate besides those of the Service, the ingress and the route. */
    dnsNames: platformOnly(setOf(hostName(), 32).default([])),
  }),
  {
    cel: '[has(self.secretName), has(self.issuerRef), self.disabled].filter(said, said).size() <= 1',
    holds: ({ secretName, issuerRef, disabled }) =>
      [secretName !== undefined, issuerRef !== undefined, disabled].filter(Boolean).length <= 1,
    message: 'at most one of secretName, issuerRef and disabled; none is a certificate of the operator',
  },
  {
    cel: 'self.dnsNames.size() == 0 || (!has(self.secretName) && !self.disabled)',
    holds: ({ secretName, disabled, dnsNames }) => dnsNames.length === 0 || (secretName === undefined && !disabled),
    message: 'dnsNames are for a certificate that is made: leave out secretName and disabled',
    field: 'dnsNames',
  },
);

export const ingress = z.strictObject({
  className: objectName().optional(),
  host: hostName(),
  annotations: stringMap(64).default({}),
});

const parentRef = z.strictObject({
  name: objectName(),
  namespace: objectName().optional(),
  sectionName: objectName().optional(),
});

/** An HTTPRoute of the Gateway API. */
export const route = z.strictObject({
  parentRefs: listOf(parentRef, 16, 1),
  hostnames: listOf(hostName(), 16).default([]),
});

/** How many pods a drain of nodes may evict at once. */
export const disruptionBudget = z.strictObject({ maxUnavailable: z.int().min(1).max(200).default(1) });

export const networkPolicy = z.strictObject({ enabled: z.boolean().default(true) });
