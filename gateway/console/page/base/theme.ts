import { redrawNow } from './redraw.ts';

const THEMES = ['system', 'light', 'dark'] as const;
let at = 0;

export function themeName(): string {
  return THEMES[at] ?? 'system';
}

/** From the system's to light, to dark, and back. It lasts as long as the page. */
export function nextTheme(): void {
  at = (at + 1) % THEMES.length;
  document.documentElement.dataset['theme'] = themeName();
  redrawNow();
}
