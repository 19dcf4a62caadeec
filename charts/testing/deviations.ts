/** Deviations from kube-score's rules, each with a reason. Each must still occur, or be removed from this list. */
export interface Deviation {
  /** Name as in `kube-score list`. */
  readonly check: string;
  /** Kind and end of the name; default: all objects. */
  readonly object?: RegExp;
  readonly why: string;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    check: 'container-image-pull-policy',
    why: 'Images are named by a version or a digest, which never changes: pulling again would only need the registry.',
  },
  {
    check: 'pod-networkpolicy',
    why: 'Egress is open: resources name Redis servers and collectors that nobody knows when the chart is installed.',
  },
  {
    check: 'deployment-has-host-podantiaffinity',
    object: /^Deployment .*-operator$/,
    why: 'Topology spread does it, which also works on one node. `operator.affinity` takes a rule.',
  },
  {
    check: 'deployment-has-host-podantiaffinity',
    object: /^Deployment .*-source$/,
    why: 'Any node will do: each replica tells the whole of what happens.',
  },
  {
    check: 'deployment-has-host-podantiaffinity',
    object: /^Deployment .*-directory-(sql|kazoo)$/,
    why: 'Topology spread does it, which also works on one node. `affinity` takes a rule.',
  },
  {
    check: 'deployment-replicas',
    why: 'Intended: a demo, a source that compensates for what it missed, an operator whose gateways continue without it.',
  },
  {
    check: 'deployment-has-poddisruptionbudget',
    why: 'With one replica a budget would only hold up the drain of a node; it can be switched off.',
  },
  {
    check: 'deployment-strategy',
    object: /^Deployment .*-redis$/,
    why: 'Two servers at once would be two logs.',
  },
  {
    check: 'pod-probes',
    object: /^Deployment .*-redis$/,
    why: 'A server that hangs still accepts connections, and a probe that logs in would need its password.',
  },
  {
    check: 'container-resources',
    why: 'No CPU limit: throttled, leases and heartbeats are late. Requests and memory limits there are.',
  },
];
