import { html, nothing, type TemplateResult } from 'lit-html';
import { text } from '../base/read.ts';
import { redrawNow } from '../base/redraw.ts';
import { keepLogin, logIn, type Login } from './login.ts';

let refusal: string | null = null;
let isAsking = false;

/** Why the login page is shown again. */
export function sayWhy(why: string | null): void {
  refusal = why;
}

/** The login of a user of the directory; `done` gets what it granted. */
export function loginPage(done: (login: Login) => void): TemplateResult {
  return html`<main class="login" id="content">
    <form aria-labelledby="login-title" @submit=${(event: SubmitEvent) => submit(event, done)}>
      <p class="brand"><span class="mark" aria-hidden="true"></span>Firehose</p>
      <h1 id="login-title">Log in</h1>
      <p>
        The console shows the call events of an account and everything below it: what this login may see, and no more.
      </p>
      ${refusal === null ? nothing : html`<p class="trouble" role="alert">${refusal}</p>`}
      <label>User name<input name="username" autocomplete="username" required autofocus /></label>
      <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
      <label
        >Domain<input name="domain" autocomplete="organization" placeholder="name or realm of the account" required
      /></label>
      <label class="choice"
        ><input name="keep" type="checkbox" /><span>Keep for this tab</span
        ><small>a reload then asks for no password</small></label
      >
      <button class="primary" ?disabled=${isAsking}>${isAsking ? 'Logging in…' : 'Log in'}</button>
    </form>
  </main>`;
}

async function submit(event: SubmitEvent, done: (login: Login) => void): Promise<void> {
  event.preventDefault();
  const form = new FormData(event.target as HTMLFormElement);
  const field = (name: string) => text(form.get(name)) ?? '';
  isAsking = true;
  redrawNow();
  const credentials = { username: field('username'), password: field('password'), domain: field('domain') };
  const answer = await logIn(credentials, null);
  isAsking = false;
  refusal = 'token' in answer ? null : sentence(answer.detail);
  if ('token' in answer) {
    if (field('keep') === 'on') keepLogin(answer);
    done(answer);
  }
  redrawNow();
}

function sentence(detail: string): string {
  return detail.charAt(0).toUpperCase() + detail.slice(1);
}
