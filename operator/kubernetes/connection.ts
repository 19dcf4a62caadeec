import { Agent, type RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

/** Address of the API server, and the credentials. */
export interface Connection {
  readonly server: URL;
  /** Namespace of the credentials: the service account's in a cluster, the context's elsewhere. */
  readonly namespace: string;
  readonly isInCluster: boolean;
  /** Called before every request: tokens are renewed on disk. */
  options(): Promise<RequestOptions>;
}

const MAX_SOCKETS = 32;

/**
 * Reads KUBECONFIG, `~/.kube/config` or the service account's files, as every client does; `file` names another one.
 * The library's own agents open a connection for each request: this one keeps them open.
 */
export function openConnection(file?: string): Connection {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new TypeError('the kubeconfig names no cluster');
  const server = new URL(cluster.server);
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo' });
  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    isInCluster: cluster.name === 'inCluster',
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // The library creates agents that use a proxy.
      if (!cluster.proxyUrl) options.agent = agent;
      return options;
    },
  };
}
