/**
 * Domains of annotations that controllers, admission webhooks and kubelets act on: they inject containers, change
 * routing and TLS, request addresses and roles from clouds. A domain covers its subdomains.
 */
const CONTROL_DOMAINS: readonly string[] = [
  'firehose.dev',
  // Kubernetes itself, ingress-nginx, external-dns, cloud load balancers, AppArmor, the cluster autoscaler, Karpenter.
  'kubernetes.io',
  'k8s.io',
  'x-k8s.io',
  'cncf.io',
  // Certificates and secrets.
  'cert-manager.io',
  'external-secrets.io',
  'hashicorp.com',
  'bitnami.com',
  'stakater.com',
  // Meshes.
  'istio.io',
  'linkerd.io',
  'consul.io',
  'kuma.io',
  'openservicemesh.io',
  'solo.io',
  'dapr.io',
  // Ingress controllers, gateways, load balancers.
  'nginx.org',
  'nginx.com',
  'traefik.io',
  'containo.us',
  'haproxy.org',
  'haproxy.com',
  'haproxy-ingress.github.io',
  'konghq.com',
  'projectcontour.io',
  'getambassador.io',
  'apisix.apache.org',
  'envoyproxy.io',
  'f5.com',
  'citrix.com',
  'metallb.io',
  'universe.tf',
  'kube-vip.io',
  'tailscale.com',
  'ngrok.com',
  'cloudflare.com',
  // Clouds.
  'amazonaws.com',
  'k8s.aws',
  'gke.io',
  'google.com',
  'googleapis.com',
  'azure.com',
  'microsoft.com',
  'openshift.io',
  'oraclecloud.com',
  'digitalocean.com',
  'hetzner.cloud',
  'vmware.com',
  // Networks.
  'cilium.io',
  'projectcalico.org',
  'ovn.org',
  // Delivery, policy, scaling.
  'argoproj.io',
  'fluxcd.io',
  'helm.sh',
  'crossplane.io',
  'kyverno.io',
  'gatekeeper.sh',
  'keda.sh',
  'knative.dev',
  'vcluster.com',
  'reloader.com',
  // Telemetry agents that inject or scrape.
  'opentelemetry.io',
  'prometheus.io',
  'datadoghq.com',
  'dynatrace.com',
  'newrelic.com',
  'fluentbit.io',
  'banzaicloud.io',
  'nvidia.com',
];

/** Whether controllers may act on an annotation of this key. A key without a domain is a note. */
export function isControlKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return false;
  const domain = key.slice(0, slash).toLowerCase();
  return CONTROL_DOMAINS.some((known) => domain === known || domain.endsWith(`.${known}`));
}
