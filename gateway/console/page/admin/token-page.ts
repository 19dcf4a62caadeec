import { html, nothing, type TemplateResult } from 'lit-html';
import { redrawNow } from '../base/redraw.ts';

export interface TokenParts {
  readonly why: string | null;
  /** Null when the token is taken, else why not. */
  readonly open: (token: string) => Promise<string | null>;
}

let refusal: string | null = null;

/** Asks for the token of administrators. */
export function tokenPage({ why, open }: TokenParts): TemplateResult {
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem('token') as HTMLInputElement;
    refusal = await open(field.value.trim());
    field.value = '';
    redrawNow();
  };
  const said = refusal ?? why;
  return html`<main class="login" id="content">
    <form aria-labelledby="login-title" @submit=${(event: SubmitEvent) => submit(event)}>
      <p class="brand"><span class="mark" aria-hidden="true"></span>Firehose</p>
      <h1 id="login-title">Administration</h1>
      <p>
        Connections, groups, webhooks, dead letters, directory, sources and health of this gateway. Events and calls are
        on its public port.
      </p>
      ${said === null ? nothing : html`<p class="trouble" role="alert">${said}</p>`}
      <label>Admin token<input name="token" type="password" autocomplete="off" required autofocus /></label>
      <p class="muted">
        It is in the file <code>admin-token</code> of the state folder, in Kubernetes in the Secret
        <code>NAME-admin-token</code>.
      </p>
      <button class="primary">Open</button>
    </form>
  </main>`;
}
