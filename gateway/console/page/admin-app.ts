import type { TemplateResult } from 'lit-html';
import { CONNECTIONS_PATH, EXPLAIN_EVENT_PATH } from '../../../protocol/paths.ts';
import { Administration } from './admin/admin.ts';
import { ConnectionsPage } from './admin/connections-page.ts';
import { DeadLettersPage } from './admin/dead-letters-page.ts';
import { DirectoryPage } from './admin/directory-page.ts';
import { GroupsPage } from './admin/groups-page.ts';
import { HealthPage } from './admin/health-page.ts';
import { SourcesPage } from './admin/sources-page.ts';
import { tokenPage } from './admin/token-page.ts';
import type { App } from './app.ts';
import { EVENT_FIELDS, GROUP_FIELD } from './explain/event-fields.ts';
import { ExplainPage } from './explain/explain-page.ts';
import { frame } from './base/frame.ts';
import { placeOf, type Place } from './base/route.ts';
import { redrawNow } from './base/redraw.ts';
import { Pages } from './pages.ts';

const ABOUT_ANYBODY = 'Say which event, and who did not get it. The first check that fails is the cause.';
const SUBJECT_FIELDS = {
  title: 'Which consumer',
  hint: 'One suffices: a user with its domain, a session, or a durable group with its account.',
  fields: [
    { name: 'user', label: 'User', hint: 'with its domain' },
    { name: 'domain', label: 'Domain', hint: 'name or realm' },
    { name: 'session', label: 'Session', hint: 'in place of a user' },
    GROUP_FIELD,
    { name: 'account', label: 'Account', hint: 'of the durable group' },
  ],
};

/** The console of administrators, on the inner listener. */
export class AdminApp implements App {
  readonly #administration = new Administration((why) => this.#end(why));
  readonly #pages = new Pages([
    new ConnectionsPage(this.#administration),
    new GroupsPage(this.#administration),
    new DeadLettersPage(this.#administration),
    new ExplainPage({
      about: ABOUT_ANYBODY,
      groups: [EVENT_FIELDS, SUBJECT_FIELDS],
      ask: (query) => this.#administration.get(EXPLAIN_EVENT_PATH, query),
    }),
    new DirectoryPage(this.#administration),
    new SourcesPage(this.#administration),
    new HealthPage(this.#administration),
  ]);
  #why: string | null = null;

  go(place: Place): void {
    if (this.#administration.isOpen) this.#pages.go(place);
    redrawNow();
  }

  key(event: KeyboardEvent): boolean {
    return this.#administration.isOpen && this.#pages.current?.key?.(event) === true;
  }

  view(): TemplateResult {
    const { current, all } = this.#pages;
    if (!this.#administration.isOpen || current === null) {
      return tokenPage({ why: this.#why, open: (token) => this.#open(token) });
    }
    return frame({
      pages: all,
      current,
      who: 'Administrator',
      what: location.host,
      leave: { label: 'Forget the token', action: () => this.#end(null) },
      other: {
        label: 'Events and calls:',
        text: 'on the public port of the gateway, at the same path, for every login.',
      },
    });
  }

  async #open(token: string): Promise<string | null> {
    const problem = await this.#administration.open(token, `${CONNECTIONS_PATH}?limit=1`);
    if (problem === null) this.#pages.go(placeOf(location.hash));
    return problem;
  }

  #end(why: string | null): void {
    this.#why = why;
    this.#pages.close();
    this.#administration.close();
    redrawNow();
  }
}
