import type { Source } from '../../protocol/source.ts';
import { SOURCES } from '../kubernetes/objects.ts';
import type { Destination } from '../resources/egress.ts';
import type { Owner, RenderSettings } from '../resources/rendering.ts';

/** Everything that the objects of one source are made from. */
export interface SourceRendering {
  readonly source: Source;
  readonly uid: string;
  readonly settings: RenderSettings;
  /** Changes with everything that a source reads only at its start: its pods are then replaced. */
  readonly restartHash: string;
  readonly destinations: readonly Destination[];
}

/** The names of the objects of a source with this name. They differ from those of a FirehoseSubscription. */
export function sourceNames(name: string) {
  const own = `${name}-source`;
  return {
    /** Deployment, ConfigMap, NetworkPolicy, PodDisruptionBudget, ServiceMonitor. */
    workload: own,
    inner: `${own}-inner`,
    listen: `${own}-listen`,
    tls: `${own}-tls`,
    authority: `${own}-ca`,
  };
}

export function sourceOwner({ source, uid }: Pick<SourceRendering, 'source' | 'uid'>): Owner {
  const { name, namespace } = source.metadata;
  return { kind: SOURCES, name, namespace, uid };
}

/** Every name by which a switch may reach the listener. */
export function listenNames({ metadata, spec }: Source): readonly string[] {
  const { listen } = sourceNames(metadata.name);
  const base = `${listen}.${metadata.namespace}`;
  const given = spec.asterisk?.listen?.tls.dnsNames ?? [];
  return [...new Set([...given, `${base}.svc`, `${base}.svc.cluster.local`, base, listen])];
}

/** The Secret with the certificate that switches see; null without a listener, and for plain HTTP. */
export function listenSecret({ metadata, spec }: Source): string | null {
  const tls = spec.asterisk?.listen?.tls;
  return tls === undefined || tls.disabled ? null : (tls.secretName ?? sourceNames(metadata.name).tls);
}
