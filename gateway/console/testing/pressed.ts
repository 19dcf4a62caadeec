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
  const unused = new Map<number, string>();
  const used = new Set<number>();
  for (const { url, source, functions } of pages.flat()) {
    if (!url.includes(FOLDER) || source === undefined) continue;
    const ran = new Set(functions.flatMap(({ ranges: [whole] }) => (whole?.count ? [whole.startOffset] : [])));
    for (const { 0: begin, 1: body = '', index } of source.matchAll(HANDLER)) {
      if (ran.has(index + begin.length)) used.add(index);
      unused.set(index, `${moduleAt(source, index)}: ${body.replaceAll(/\s+/g, ' ')}`);
    }
  }
  return [...unused].filter(([place]) => !used.has(place)).map(([, shown]) => shown);
}

const FOLDER = '/gateway/console/page/';

/** The module that holds this place of the script: each begins with its path. */
function moduleAt(source: string, index: number): string {
  return (
    source
      .slice(0, index)
      .match(/^\/\/ \S+\.ts$/gm)
      ?.at(-1)
      ?.slice(3) ?? ''
  );
}
type Covered = Awaited<ReturnType<Page['coverage']['stopJSCoverage']>>;
