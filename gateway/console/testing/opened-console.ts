import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { CONSOLE_PATH } from '../../../protocol/paths.ts';
import type { Browser } from '../../../testing/browser.ts';
import { until } from '../../../testing/until.ts';
import { ADMIN, type RunningGateway } from '../../testing/running-gateway.ts';
import type { Side } from '../shell.ts';

export interface OpenOptions {
  readonly side?: Side;
  /** The fragment of the address. */
  readonly at?: string;
  /** Another port: a proxy before the gateway. */
  readonly port?: number;
  readonly dark?: boolean;
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Called before the page is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** The gateway whose console is opened. */
export interface ConsoleGateway {
  readonly gateway: Pick<RunningGateway['gateway'], 'port' | 'innerPort'>;
}

/** A console in a real browser, and what it did that a person does not see. */
export interface OpenedConsole {
  readonly page: Page;
  readonly origin: string;
  /** Addresses of all requests and WebSockets. */
  readonly requested: readonly string[];
  /** What scripts threw and what the browser wrote into its console. */
  readonly faults: readonly string[];
  /** The text of the first element that the selector finds, once it holds. */
  shows(what: string, selector: string, pattern: RegExp): Promise<string>;
}

export async function openConsole(
  browser: Browser,
  { gateway }: ConsoleGateway,
  options: OpenOptions = {},
): Promise<OpenedConsole> {
  const { side = 'public', at = '', port, dark = false, viewport = { width: 1_280, height: 800 } } = options;
  const { page, errors } = await browser.page();
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.setViewportSize(viewport);
  const requested: string[] = [];
  const written: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('websocket', (socket) => requested.push(socket.url()));
  page.on('console', (message) => {
    if (
      ['error', 'warning'].includes(message.type()) &&
      !/Failed to load resource|WebSocket connection/.test(message.text())
    ) {
      written.push(message.text());
    }
  });
  const origin =
    side === 'public' ? `https://localhost:${port ?? gateway.port}` : `http://localhost:${port ?? gateway.innerPort}`;
  await options.prepare?.(page);
  await page.goto(`${origin}${CONSOLE_PATH}${at}`);
  return {
    page,
    origin,
    requested,
    get faults() {
      return [...errors, ...written];
    },
    shows: (what, selector, pattern) =>
      until(what, async () => (await page.locator(selector).allTextContents()).join('\n'), {
        holds: (text) => pattern.test(text),
        limitMs: 30_000,
      }),
  };
}

/** Logs in as a person does: by the keyboard. */
export async function logIn(
  { page }: Pick<OpenedConsole, 'page'>,
  { username, password, domain }: typeof ADMIN = ADMIN,
  isKept = false,
): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Domain').fill(domain);
  if (isKept) await page.getByLabel('Keep for this tab').check();
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('nav.side').waitFor();
}

/** Opens the administration with the token of the gateway. */
export async function unlock(
  { page }: Pick<OpenedConsole, 'page'>,
  running: Pick<RunningGateway, 'stateFolder'>,
): Promise<void> {
  await page.getByLabel('Admin token').fill(await adminToken(running));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.locator('nav.side').waitFor();
}

async function adminToken({ stateFolder }: Pick<RunningGateway, 'stateFolder'>): Promise<string> {
  return (await readFile(join(stateFolder, 'admin-token'), 'utf8')).trim();
}

/** C1: whatever the page asked for is of the gateway that served it. */
export function assertOwnRequestsAlone({ origin, requested }: OpenedConsole): void {
  const { host } = new URL(origin);
  const foreign = requested.filter((url) => !/^(data|blob):/.test(url) && new URL(url).host !== host);
  assert.deepEqual(foreign, []);
}
