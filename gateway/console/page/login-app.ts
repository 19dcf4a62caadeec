import type { TemplateResult } from 'lit-html';
import type { App } from './app.ts';
import { EXPLAIN_PATH } from '../../../protocol/paths.ts';
import { CallPage } from './calls/call-page.ts';
import { CallsPage } from './calls/calls-page.ts';
import { askPerson } from './base/ask-person.ts';
import { ask } from './base/gateway.ts';
import { frame } from './base/frame.ts';
import { placeOf, type Place } from './base/route.ts';
import { redrawNow } from './base/redraw.ts';
import { EVENT_FIELDS, GROUP_FIELD } from './explain/event-fields.ts';
import { ExplainPage } from './explain/explain-page.ts';
import { LivePage } from './live/live-page.ts';
import { forgetLogin, keepLogin, keptLogin, logIn, type Login } from './live/login.ts';
import { loginPage, sayWhy } from './live/login-page.ts';
import { Watch } from './live/watch.ts';
import { OwnWebhooksPage } from './webhooks/own-webhooks-page.ts';
import { Pages } from './pages.ts';

const ADMINISTRATION =
  'Connections, groups, dead letters and health are in the console of operators: /console/ on the inner port of a gateway, 9090 by default.';

const ABOUT_OWN =
  'Give the id of an event: the page says what became of it for the connections of this login. The first check that fails is the cause.';

/** The console of a login, on the public listener: what its grant shows. */
export class LoginApp implements App {
  #login: Login | null = null;
  readonly #watch = new Watch({
    token: () => this.#login?.token ?? null,
    onExpiring: () => void this.#renew('The login ends soon.'),
    onEnd: (why, isLogin) => (isLogin ? void this.#renew(why) : this.#end(why)),
  });
  readonly #token = () => this.#login?.token ?? null;
  readonly #pages = new Pages(
    [
      new LivePage(this.#watch, () => this.#login),
      new CallsPage(this.#token),
      new ExplainPage({
        about: ABOUT_OWN,
        groups: [
          EVENT_FIELDS,
          {
            title: 'Which consumer',
            hint: 'The connections of this login, or a durable group.',
            fields: [GROUP_FIELD],
          },
        ],
        ask: (query) => ask(`${EXPLAIN_PATH}?${new URLSearchParams(query)}`, { token: this.#token() }),
      }),
      new OwnWebhooksPage(this.#token),
    ],
    [new CallPage(this.#token, this.#watch.ring)],
  );
  #isRenewing = false;

  constructor() {
    const kept = keptLogin(Date.now());
    if (kept !== null) this.#begin(kept);
  }

  go(place: Place): void {
    if (this.#login !== null) this.#pages.go(place);
    redrawNow();
  }

  key(event: KeyboardEvent): boolean {
    return this.#login !== null && this.#pages.current?.key?.(event) === true;
  }

  view(): TemplateResult {
    const { current, all } = this.#pages;
    if (this.#login === null || current === null) return loginPage((login) => this.#begin(login));
    const { username, domain, privacy } = this.#login;
    return frame({
      pages: all,
      current,
      who: `${username}@${domain}`,
      what: privacy === null ? 'sees its account and all below it' : `sees it by the privacy profile ${privacy}`,
      leave: { label: 'Log out', action: () => this.#end(null) },
      other: { label: 'Administrators:', text: ADMINISTRATION },
    });
  }

  #begin(login: Login): void {
    this.#login = login;
    this.#watch.ring.clear();
    this.#watch.open();
    this.#pages.go(placeOf(location.hash));
    redrawNow();
  }

  #end(why: string | null): void {
    this.#login = null;
    forgetLogin();
    this.#pages.close();
    this.#watch.close();
    sayWhy(why);
    redrawNow();
  }

  /** Asks for the password alone, while the stream goes on. */
  async #renew(why: string): Promise<void> {
    const login = this.#login;
    if (login === null || this.#isRenewing) return;
    this.#isRenewing = true;
    let detail = `${why} The password of ${login.username} renews it; what is shown stays.`;
    for (;;) {
      const password = await askPerson({ title: 'Renew the login', detail, secret: 'Password', action: 'Renew' });
      if (password === null || this.#login !== login) break;
      const answer = await logIn({ ...login, password }, login.token);
      if ('token' in answer) {
        if (keptLogin(0) !== null) keepLogin(answer);
        this.#login = answer;
        this.#watch.renew(answer.token);
        break;
      }
      detail = answer.detail;
    }
    this.#isRenewing = false;
    if (this.#login !== null && this.#login.endsAt <= Date.now()) this.#end('The login has ended.');
  }
}
