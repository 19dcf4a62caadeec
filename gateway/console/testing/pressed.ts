import type { Page } from 'playwright-core';

/** Begins to record which functions of the page run. */
export const watchFunctions = (page: Page): Promise<unknown> =>
  page.coverage.startJSCoverage({ resetOnNavigation: false });

/** What a person can do, as a template says it: an arrow function behind `@click=`. */
const HANDLER = /@(?:click|submit|change|cancel)=\$\{(?=(.{0,70}))/gs;

/**
 * The handlers of clicks, forms and fields that ran in none of these pages, as `path: the template from there on`. A handler
 * is an arrow function of its own place, not the name of one. Pure.
 */
export function unusedHandlers(pages: readonly Covered[]): readonly string[] {
  const unused = new Map<string, string>();
  const used = new Set<string>();
  for (const { url, source, functions } of pages.flat()) {
    if (!url.includes(FOLDER) || source === undefined) continue;
    const ran = new Set(functions.flatMap(({ ranges: [whole] }) => (whole?.count ? [whole.startOffset] : [])));
    const path = url.slice(url.indexOf(FOLDER) + FOLDER.length);
    for (const { 0: begin, 1: body = '', index } of source.matchAll(HANDLER)) {
      const place = `${path}:${index}`;
      if (ran.has(index + begin.length)) used.add(place);
      unused.set(place, `${path}: ${body.replaceAll(/\s+/g, ' ')}`);
    }
  }
  return [...unused].filter(([place]) => !used.has(place)).map(([, shown]) => shown);
}

const FOLDER = '/gateway/console/page/';
type Covered = Awaited<ReturnType<Page['coverage']['stopJSCoverage']>>;
