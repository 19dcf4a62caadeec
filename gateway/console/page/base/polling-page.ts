import type { TemplateResult } from 'lit-html';
import type { Page } from './page.ts';
import type { Poll } from './poll.ts';
import type { Place } from './route.ts';

/** A page that asks the gateway again and again while it is open. */
export abstract class PollingPage implements Page {
  abstract readonly name: string;
  abstract readonly title: string;
  /** What it asks. */
  protected abstract readonly polls: readonly Poll[];

  abstract view(): TemplateResult;

  enter(_place: Place): void {
    for (const poll of this.polls) poll.start();
  }

  leave(): void {
    for (const poll of this.polls) poll.stop();
  }
}
