import { Resolver } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon, type Daemon } from '../control-plane/daemon.ts';
import { accessFor, type ClusterParts } from './access.ts';
import { DNS_ADDRESS } from './node.ts';

const USER = 'firehose:names';

/** Starts CoreDNS on an address of the sandbox, and creates the Service by which pods find it. */
export async function startNames(parts: ClusterParts, address: string): Promise<Daemon> {
  const settings = join(parts.folder, 'Corefile');
  await writeFile(settings, corefile(address, await accessFor(parts, USER)));
  await allowReading(parts.plane.admin);
  await createService(parts.plane.admin, address);
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([address]);
  return startDaemon({
    program: parts.programs.coredns,
    args: ['-conf', settings],
    logFile: join(parts.folder, 'coredns.log'),
    isUp: () =>
      resolver.resolve4('kubernetes.default.svc.cluster.local').then(
        () => true,
        () => false,
      ),
  });
}

function corefile(address: string, access: string): string {
  return `cluster.local in-addr.arpa ip6.arpa {
  bind ${address}
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${access}
    ttl 1
  }
}
# Nothing else has a name in here.
. {
  bind ${address}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}

type Admin = ClusterParts['plane']['admin'];

async function allowReading(admin: Admin): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: USER };
  const verbs = ['list', 'watch'];
  await admin.must('POST', `${rbac}/clusterroles`, {
    metadata,
    rules: [
      { apiGroups: [''], resources: ['services', 'namespaces', 'pods'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ],
  });
  await admin.must('POST', `${rbac}/clusterrolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: USER }],
  });
}

async function createService(admin: Admin, address: string): Promise<void> {
  const ports = (['UDP', 'TCP'] as const).map((protocol) => ({
    name: `dns-${protocol.toLowerCase()}`,
    port: 53,
    protocol,
  }));
  await admin.must('POST', '/api/v1/namespaces/kube-system/services', {
    metadata: { name: 'kube-dns' },
    spec: { clusterIP: DNS_ADDRESS, ports },
  });
  await admin.must('POST', '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices', {
    metadata: { name: 'kube-dns', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  });
}
