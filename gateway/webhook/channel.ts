import { durationMs } from '../../protocol/subscription.ts';
import type { Webhook } from '../../protocol/subscription/webhook.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { VERSION } from '../../runtime/version.ts';
import type { Channel, Ended, Order } from '../sender/channel.ts';
import { Cut, type CutSignal } from '../sender/cut.ts';
import {
  batchBody,
  contentType,
  eventBody,
  headerId,
  testBody,
  traceHeader,
  type BodyForm,
} from '../sender/event-body.ts';
import type { SentEvent } from '../sender/replay.ts';
import { inWords, judgeAnswer } from './judge-answer.ts';
import { openRequests, type Requests } from './request.ts';
import type { Secrets } from './secrets.ts';
import { signatureOf } from './sign.ts';

const USER_AGENT = `Firehose/${VERSION}`;

interface ChannelParts {
  readonly webhook: Webhook;
  /** Of CloudEvents. */
  readonly source: string;
  readonly secrets: Secrets;
  readonly policy: AddressPolicy;
}

/** Orders as signed requests to the receiver of one webhook. */
export class WebhookChannel implements Channel {
  /** Origin of its URL, without path and query. */
  readonly host: string;
  readonly concurrency: number;
  readonly batch: { readonly most: number; readonly waitMs: number };
  readonly #form: BodyForm;
  readonly #secrets: Secrets;
  readonly #requests: Requests;

  constructor({ webhook, source, secrets, policy }: ChannelParts) {
    const { url, timeout, concurrency, batch, format } = webhook;
    this.host = new URL(url).host;
    this.concurrency = concurrency;
    this.batch = { most: batch.maxEvents, waitMs: batch.maxWaitMilliseconds };
    this.#form = { format, source };
    this.#secrets = secrets;
    const ca = () => this.#secrets.current?.ca ?? null;
    this.#requests = openRequests({ url: new URL(url), policy, timeoutMs: durationMs(timeout), ca });
  }

  get isReady(): boolean {
    return (this.#secrets.current?.keys.length ?? 0) > 0;
  }

  follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    return this.#secrets.follow(signal, onChange);
  }

  async send(order: Order, signal: CutSignal): Promise<Ended> {
    const outcome = await this.#requests.send({ ...this.#request(order), signal });
    const verdict = judgeAnswer(outcome, { othersSucceed: order.othersSucceed(), now: Date.now() });
    const answer = outcome.kind === 'answer' ? outcome : null;
    return {
      verdict,
      error: inWords(outcome),
      status: answer?.status ?? null,
      code: outcome.kind === 'failure' ? outcome.code : null,
      answer: answer?.text ?? '',
    };
  }

  async test(id: string, at: number): Promise<string> {
    const body = Buffer.from(testBody(at));
    const headers = this.#headers({ id, body, at, type: contentType('Standard', false) });
    const sending = { headers, body, signal: new Cut() };
    return inWords(await this.#requests.send(sending));
  }

  [Symbol.dispose](): void {
    this.#requests[Symbol.dispose]();
  }

  #request({ id, events, privacy, isReplay, at }: Order) {
    const [first] = events;
    const isBatch = this.batch.most > 1;
    const bodyOf = (event: SentEvent) => eventBody(event, this.#form, privacy);
    const body = first === undefined || isBatch ? batchBody(events.map(bodyOf)) : bodyOf(first);
    const headers = this.#headers({ id: headerId(id), body, at, type: contentType(this.#form.format, isBatch) });
    headers['firehose-attempt'] = String(first?.attempts ?? 1);
    if (isReplay) headers['firehose-replay'] = '1';
    return { headers: Object.assign(headers, traceHeader(events)), body };
  }

  #headers({ id, body, at, type }: { id: string; body: Buffer; at: number; type: string }): Record<string, string> {
    const timestamp = Math.floor(at / 1_000);
    return {
      'content-type': type,
      'user-agent': USER_AGENT,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf({ id, timestamp, body }, this.#secrets.current?.keys ?? []),
    };
  }
}
