import type { CollectorContext } from './context.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointSpec } from './hearing.ts';

/** The running endpoints by name. Two of one name never listen at the same time. */
export class RunningEndpoints {
  readonly #context: CollectorContext;
  readonly #running = new Map<string, Endpoint>();
  #wanted: ReadonlyMap<string, EndpointSpec> = new Map();
  /** The running change of each name. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  /** Includes those that are leaving. */
  get all(): readonly Endpoint[] {
    return [...this.#running.values()];
  }

  set(specs: readonly EndpointSpec[]): void {
    this.#wanted = new Map(specs.map((spec) => [spec.name, spec]));
    for (const name of new Set([...this.#running.keys(), ...this.#changes.keys(), ...this.#wanted.keys()])) {
      const change: Promise<void> = (this.#changes.get(name) ?? Promise.resolve())
        .then(() => this.#change(name))
        .finally(() => {
          if (this.#changes.get(name) === change) this.#changes.delete(name);
        });
      this.#changes.set(name, change);
    }
  }

  /** Resolves once exactly the wanted endpoints run. */
  async settled(): Promise<void> {
    await Promise.all(this.#changes.values());
  }

  async #change(name: string): Promise<void> {
    const before = this.#running.get(name);
    if (before !== undefined && before.spec === this.#wanted.get(name)) return;
    await before?.stop();
    this.#running.delete(name);
    const spec = this.#wanted.get(name);
    if (spec === undefined) return;
    const next = new Endpoint(spec, this.#context);
    this.#running.set(name, next);
    next.start();
  }
}
