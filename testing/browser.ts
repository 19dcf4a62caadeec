import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { ensurePackages, isOnPath, type Installed } from './debian.ts';

/** Installs Chromium as root on Debian when it is not on the PATH; on other machines `remedy` says how. */
export function ensureBrowser(say: (line: string) => void): Installed {
  return ensurePackages([{ name: 'chromium', isThere: () => isOnPath('chromium') }], say);
}

/** A Chromium of this machine, without a window. */
export interface Browser extends AsyncDisposable {
  /**
   * A page with storage of its own. It accepts every certificate, like a person who has checked the gateway's own one.
   * Errors that no script caught are in `errors`.
   */
  page(): Promise<{ readonly page: Page; readonly errors: readonly string[] }>;
}

/** Also ends with the test's process. */
export async function openBrowser(): Promise<Browser> {
  // As root Chromium has no sandbox; only the project's own pages are opened here.
  const isRoot = process.getuid?.() === 0;
  const browser = await chromium.launch({ executablePath: programPath(), chromiumSandbox: !isRoot });
  return {
    async page() {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      return { page, errors };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function programPath(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('there is no chromium on the PATH: npm run test:browser installs it');
  return found;
}
