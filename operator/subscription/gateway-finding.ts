import type { KubeObject } from '../kubernetes/objects.ts';
import { bad, good, unknown, type Finding } from './findings.ts';

interface DeploymentStatus {
  readonly observedGeneration?: number;
  /** Without those that are terminating. */
  readonly replicas?: number;
  /** Pods that are terminating; reported by Kubernetes 1.35 and newer. */
  readonly terminatingReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly updatedReplicas?: number;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

export interface GatewayState {
  readonly desired: number;
  readonly replicas: number;
  readonly ready: number;
  readonly ending: number;
  readonly finding: Finding;
}

/** Gateways that still exist although none is wanted; `heard` is how many have a heartbeat, null when unknown. */
export function drainingGateways({ replicas, ending }: GatewayState, heard: number | null): number {
  return Math.max(replicas + ending, heard ?? 0);
}

/** Reads a Deployment's status, as `kubectl rollout status` does. */
export function gatewayState(
  deployment: KubeObject | undefined,
  what: 'gateway' | 'replica' = 'gateway',
): GatewayState {
  if (deployment === undefined) {
    const finding = unknown('NotStarted', `the ${what}s are started once what they need is there`);
    return { desired: 0, replicas: 0, ready: 0, ending: 0, finding };
  }
  const status = (deployment['status'] ?? {}) as DeploymentStatus;
  const desired = (deployment['spec'] as { replicas?: number }).replicas ?? 1;
  const {
    replicas = 0,
    readyReplicas: ready = 0,
    availableReplicas: available = 0,
    updatedReplicas: updated = 0,
    terminatingReplicas: ending = 0,
  } = status;
  return { desired, replicas, ready, ending, finding: judge() };

  function judge(): Finding {
    if ((status.observedGeneration ?? 0) < (deployment?.metadata.generation ?? 0)) {
      return bad('Progressing', 'the Deployment has not been looked at by its controller yet');
    }
    const stuck = status.conditions?.find(({ reason }) => reason === 'ProgressDeadlineExceeded');
    if (stuck !== undefined)
      return bad('ProgressDeadlineExceeded', `the ${what}s do not come up: ${stuck.message ?? ''}`, true);
    const failure = status.conditions?.find((one) => one.type === 'ReplicaFailure' && one.status === 'True');
    if (failure !== undefined) return bad('ReplicaFailure', `no pod can be made: ${failure.message ?? ''}`);
    if (desired === 0) {
      return replicas === 0
        ? good('ScaledToZero', `no ${what} is asked for`)
        : bad('ScalingDown', `${replicas} ${what}s are going`);
    }
    if (available < desired) return bad('Progressing', `${available} of ${desired} ${what}s are available`);
    if (updated < desired || replicas > desired) return bad('RollingOut', `${updated} of ${desired} ${what}s are new`);
    return good('Available', `${available} of ${desired} ${what}s serve`);
  }
}
