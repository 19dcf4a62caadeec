import { html, nothing, type TemplateResult } from 'lit-html';
import { redrawNow } from './redraw.ts';

/** A question in a dialog: to be sure, or for a password. */
export interface PersonQuestion {
  readonly title: string;
  readonly detail: string;
  /** The label of a field for a secret; absent: there is none. */
  readonly secret?: string;
  readonly action: string;
  readonly isDangerous?: boolean;
}

interface Asked extends PersonQuestion {
  readonly answer: (given: string | null) => void;
}

let asked: Asked | null = null;

/** The secret, an empty text where none was asked for, or null when the person would rather not. */
export function askPerson(question: PersonQuestion): Promise<string | null> {
  asked?.answer(null);
  const before = document.activeElement;
  return new Promise((resolve) => {
    asked = {
      ...question,
      answer(given) {
        asked = null;
        redrawNow();
        if (before instanceof HTMLElement) setTimeout(() => before.focus(), 50);
        resolve(given);
      },
    };
    redrawNow();
  });
}

/** The question that is open, drawn at the end of the page. */
export function personDialog(): TemplateResult | typeof nothing {
  if (asked === null) return nothing;
  const { title, detail, secret, action, isDangerous = false, answer } = asked;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem('secret');
    answer(field instanceof HTMLInputElement ? field.value : '');
  };
  return html`<dialog id="question" aria-labelledby="question-title" @cancel=${() => answer(null)}>
    <form @submit=${(event: SubmitEvent) => submit(event)}>
      <h2 id="question-title">${title}</h2>
      <p>${detail}</p>
      ${
        secret === undefined
          ? nothing
          : html`<label>${secret}<input name="secret" type="password" autocomplete="off" required autofocus /></label>`
      }
      <div class="actions">
        <button type="button" @click=${() => answer(null)}>Cancel</button>
        <button class=${isDangerous ? 'danger' : 'primary'} ?autofocus=${secret === undefined}>${action}</button>
      </div>
    </form>
  </dialog>`;
}

/** After a drawing: a dialog is modal only when it is opened by a call. */
export function openPersonDialog(): void {
  const dialog = document.querySelector<HTMLDialogElement>('#question');
  if (dialog !== null && !dialog.open) dialog.showModal();
}
