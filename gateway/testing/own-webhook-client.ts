import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { OWN_WEBHOOKS_PATH } from '../../protocol/paths.ts';
import type { RunningGateway } from './running-gateway.ts';

export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A login that uses the self-service webhooks of one gateway; each answer is compared with the documents. */
export class OwnWebhookClient {
  readonly #running: RunningGateway;
  readonly #token: string;

  constructor(running: RunningGateway, token: string) {
    this.#running = running;
    this.#token = token;
  }

  /** `path` below that of all webhooks. */
  async ask(method: string, path = '', body?: unknown): Promise<OwnAnswer> {
    const ca = await readFile(join(this.#running.stateFolder, 'ca.crt'), 'utf8');
    const { port } = this.#running.gateway;
    const target = `${OWN_WEBHOOKS_PATH}${path}`;
    const headers = { Authorization: `Bearer ${this.#token}` };
    const answer = await new Promise<OwnAnswer>((resolve, reject) => {
      const place = { host: '127.0.0.1', servername: 'localhost', port, ca, method, path: target, headers };
      const call = request(place, (response) => {
        let text = '';
        response.on('data', (part) => (text += String(part)));
        response.on('end', () => {
          const { statusCode: status = 0, headers: given } = response;
          resolve({ status, headers: given, body: (text === '' ? {} : JSON.parse(text)) as OwnAnswer['body'] });
        });
      });
      call.once('error', reject);
      call.end(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body));
    });
    this.#running.documented.answer(method, target, answer);
    return answer;
  }

  /** Creates one, and returns its id and its secret. */
  async create(body: object): Promise<{ readonly id: string; readonly secret: string }> {
    const { status, body: created } = await this.ask('POST', '', body);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(created)}`);
    return { id: String(created['id']), secret: String(created['secret']) };
  }
}
