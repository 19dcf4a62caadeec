import type { TemplateResult } from 'lit-html';
import type { Place } from './route.ts';

/** One page of the console. */
export interface Page {
  /** Its name in the address. */
  readonly name: string;
  readonly title: string;
  /** Drawn beside the name in the list of pages, as a count. */
  readonly badge?: () => string;
  /** Whether the badge stands out: something needs a person. */
  readonly isAlarming?: () => boolean;
  /** Called when the page is opened, and when what it shows changes with the address. */
  enter?(place: Place): void;
  leave?(): void;
  view(): TemplateResult;
  /** A key that no field took; true when the page did something with it. */
  key?(event: KeyboardEvent): boolean;
}
