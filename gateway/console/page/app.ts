import type { TemplateResult } from 'lit-html';
import type { Place } from './base/route.ts';

/** One of the two consoles: that of a login, and that of administrators. */
export interface App {
  view(): TemplateResult;
  /** The address has changed, by a link or by a person. */
  go(place: Place): void;
  key(event: KeyboardEvent): boolean;
}
