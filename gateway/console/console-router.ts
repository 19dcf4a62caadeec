import { Router, type Request, type Response } from 'express';
import { CONSOLE_PATH } from '../../protocol/paths.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { VERSION } from '../../runtime/version.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { readAssets, type Asset, type Assets } from './assets.ts';
import { shellOf, type Side } from './shell.ts';

/** The files are read once for both listeners. */
let assets: Promise<Assets> | null = null;

/** Reads the files before anybody asks for them: the first visit after a start does not wait for it. */
export async function warmConsole(logger: Logger): Promise<void> {
  try {
    await read();
  } catch (error) {
    logger.error({ err: error }, 'the files of the console cannot be read: its page is answered with 500');
  }
}

/** `GET /console/` is the console of this listener; everything that it loads lies below. */
export function consoleRouter(side: Side): Router {
  const router = Router({ strict: true });
  router.get(CONSOLE_PATH, async (_request, response) => {
    const { html, headers } = shellOf(await read(), side, VERSION);
    response
      .set({ ...headers, ...COMMON, 'Cache-Control': 'no-cache' })
      .type('html')
      .send(html);
  });
  router.get(`${CONSOLE_PATH}assets/:digest/*path`, async (request, response) => {
    sendAsset(request, response, await read());
  });
  router.get(CONSOLE_PATH.slice(0, -1), (_request, response) => response.redirect(308, CONSOLE_PATH));
  router.all([CONSOLE_PATH, CONSOLE_PATH.slice(0, -1)], onlyMethods('GET', 'HEAD'));
  return router;
}

const COMMON = { 'X-Content-Type-Options': 'nosniff' };

function read(): Promise<Assets> {
  assets ??= readAssets().catch((error: unknown) => {
    assets = null;
    throw error;
  });
  return assets;
}

/** During a roll-out the document may be of another version than this replica: it gets what there is, and keeps it not. */
function sendAsset(request: Request, response: Response, { files, digest }: Assets): void {
  const asset = files.get((request.params['path'] as unknown as readonly string[]).join('/'));
  if (asset === undefined) {
    const detail = 'The console has no such file: load the page again.';
    return sendProblem(response, { status: 404, code: 'not_found', detail });
  }
  const isCurrent = request.params['digest'] === digest;
  response.set({
    ...COMMON,
    'Content-Type': asset.type,
    'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-store',
    Vary: 'Accept-Encoding',
  });
  sendEncoded(request, response, asset);
}

function sendEncoded(request: Request, response: Response, { body, gzip }: Asset): void {
  if (request.acceptsEncodings('gzip') === false) return void response.end(body);
  response.set('Content-Encoding', 'gzip').end(gzip);
}
