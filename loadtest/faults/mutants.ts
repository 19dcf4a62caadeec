import type { Patch } from './product.ts';
import type { ScenarioName } from './scenarios.ts';

/** A deliberate bug, and the scenario that must catch it. */
export interface Mutant extends Patch {
  readonly name: string;
  readonly scenario: ScenarioName;
}

/** A harness that catches nothing proves nothing: each of these must make its scenario fail. */
export const MUTANTS: readonly Mutant[] = [];
