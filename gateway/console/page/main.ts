import { render } from 'lit-html';
import { openPersonDialog } from './base/ask-person.ts';
import { drawBy, redraw } from './base/redraw.ts';
import { placeOf } from './base/route.ts';
import { AdminApp } from './admin-app.ts';
import type { App } from './app.ts';
import { LoginApp } from './login-app.ts';

const root = document.querySelector<HTMLElement>('#app');
root?.replaceChildren();
const app: App = document.documentElement.dataset['side'] === 'inner' ? new AdminApp() : new LoginApp();

addEventListener('hashchange', () => app.go(placeOf(location.hash)));
addEventListener('keydown', (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (app.key(event)) event.preventDefault();
});
// Timers and rates move while nothing is heard.
setInterval(redraw, 1_000);
drawBy(() => {
  if (root !== null) render(app.view(), root);
  openPersonDialog();
});

/** Fields, buttons and links take their own keys; Escape alone is always the page's. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element) || key === 'Escape') return document.querySelector('dialog') !== null;
  return (
    target.closest('input, textarea, select, dialog, pre') !== null ||
    (/^( |Enter)$/.test(key) && target.closest('button, a, summary') !== null)
  );
}
