import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { CERTIFICATES, INGRESSES, ROUTES, type KubeObject } from '../kubernetes/objects.ts';
import { namesOf, owned, tlsSecretName, type Rendering } from './rendering.ts';

const PATHS = [LOGIN_PATH, STREAM_PATH, '/.well-known/jwks.json'];

/** Null when the resource does not request one. */
export function ingress(rendering: Rendering): KubeObject | null {
  const { metadata, spec } = rendering.subscription;
  const { ingress: wanted, service } = spec.gateway;
  if (wanted === undefined) return null;
  const backend = { service: { name: namesOf(metadata.name).service, port: { number: service.port } } };
  const paths = PATHS.map((path) => ({ path, pathType: 'Exact', backend }));
  const secretName = tlsSecretName(rendering.subscription);
  const body = {
    spec: {
      ...(wanted.className !== undefined && { ingressClassName: wanted.className }),
      rules: [{ host: wanted.host, http: { paths } }],
      ...(secretName !== null && { tls: [{ hosts: [wanted.host], secretName }] }),
    },
  };
  return owned(rendering, INGRESSES, namesOf(metadata.name).service, body, wanted.annotations);
}

/** Null when the resource does not request one. */
export function httpRoute(rendering: Rendering): KubeObject | null {
  const { metadata, spec } = rendering.subscription;
  const { route, service } = spec.gateway;
  if (route === undefined) return null;
  const matches = PATHS.map((value) => ({ path: { type: 'Exact', value } }));
  return owned(rendering, ROUTES, namesOf(metadata.name).service, {
    spec: {
      parentRefs: route.parentRefs,
      ...(route.hostnames.length > 0 && { hostnames: route.hostnames }),
      rules: [{ matches, backendRefs: [{ name: namesOf(metadata.name).service, port: service.port }] }],
    },
  });
}

/** Requested from cert-manager; null when the resource names no issuer. */
export function certificate(rendering: Rendering): KubeObject | null {
  const { metadata, spec } = rendering.subscription;
  const { issuerRef } = spec.gateway.tls;
  if (issuerRef === undefined) return null;
  const { tls } = namesOf(metadata.name);
  return owned(rendering, CERTIFICATES, tls, {
    spec: { secretName: tls, issuerRef, dnsNames: certificateNames(rendering), usages: ['server auth'] },
  });
}

/** Every name by which a client may reach the gateways. */
export function certificateNames({ subscription }: Pick<Rendering, 'subscription'>): string[] {
  const { metadata, spec } = subscription;
  const { service } = namesOf(metadata.name);
  const base = `${service}.${metadata.namespace}`;
  const { ingress: wanted, route, tls } = spec.gateway;
  return [
    ...new Set([
      ...tls.dnsNames,
      ...(wanted === undefined ? [] : [wanted.host]),
      ...(route?.hostnames ?? []),
      `${base}.svc`,
      `${base}.svc.cluster.local`,
      base,
      service,
    ]),
  ];
}
