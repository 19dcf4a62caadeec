import type { Logger } from '../../runtime/logging/logger.ts';
import { outsideOfSpans } from '../../runtime/telemetry/span.ts';
import type { KubernetesApi } from './api.ts';
import { startInformer, type Informer, type InformerTimings } from './informer.ts';
import { CERTIFICATES, ROUTES, SERVICE_MONITORS, SOURCES, type Kind, type KubeObject } from './objects.ts';

/** More than eight members: three are optional, and most are passed on to the informer of each kind. */
export interface ObjectCacheOptions {
  readonly api: KubernetesApi;
  /** Null: the whole cluster. */
  readonly namespaces: readonly string[] | null;
  readonly labelSelector: string;
  readonly onChange: (kind: Kind, object: KubeObject, isGone: boolean) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly timings?: Partial<InformerTimings>;
  /** Interval after which a missing kind of another project is looked up again; default a minute. */
  readonly lookAgainMs?: number;
  readonly now?: () => number;
}

/** Kinds of other projects, which a cluster may lack. They are looked up when a resource needs one. */
export const OPTIONAL_KINDS: readonly Kind[] = [CERTIFICATES, ROUTES, SERVICE_MONITORS];
/** An own kind that an older release did not have: the cluster may get it after the operator. */
const LATER_KINDS: readonly Kind[] = [SOURCES];
const LOOK_AGAIN_MS = 60_000;

/** Objects as informers know them, by kind, namespace and name. */
export class ObjectCache {
  readonly #options: ObjectCacheOptions;
  readonly #now: () => number;
  readonly #informers = new Map<Kind, readonly Informer[]>();
  readonly #absentSince = new Map<Kind, number>();

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Starts to follow a kind; settles when all its objects are known. */
  async follow(kind: Kind): Promise<void> {
    let informers = this.#informers.get(kind);
    if (informers === undefined) {
      const { namespaces, onChange, ...rest } = this.#options;
      informers = (namespaces ?? [null]).map((namespace) =>
        // It runs until the process ends, so it belongs to no span.
        outsideOfSpans(() =>
          startInformer({ ...rest, kind, namespace, onChange: (object, isGone) => onChange(kind, object, isGone) }),
        ),
      );
      this.#informers.set(kind, informers);
    }
    await Promise.all(informers.map(({ synced }) => synced));
  }

  /**
   * Whether objects of this kind can be created and are followed. A kind of another project is looked up from time to
   * time.
   */
  async has(kind: Kind): Promise<boolean> {
    if (this.#informers.has(kind)) return true;
    if (!OPTIONAL_KINDS.includes(kind) && !LATER_KINDS.includes(kind))
      throw new TypeError(`${kind.plural} are not followed`);
    const since = this.#absentSince.get(kind);
    if (since !== undefined && this.#now() - since < (this.#options.lookAgainMs ?? LOOK_AGAIN_MS)) return false;
    if (await this.#options.api.serves(kind)) {
      this.#absentSince.delete(kind);
      await this.follow(kind);
      return true;
    }
    this.#absentSince.set(kind, this.#now());
    return false;
  }

  get(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    for (const informer of this.#informers.get(kind) ?? []) {
      const found = informer.get(namespace, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  *values(kind: Kind): IterableIterator<KubeObject> {
    for (const informer of this.#informers.get(kind) ?? []) yield* informer.values();
  }

  /** Milliseconds since the server last answered, the worst of all watches by kind. */
  ages(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#informers].map(([kind, informers]) => [kind.plural, Math.max(...informers.map(({ ageMs }) => ageMs))]),
    );
  }
}
