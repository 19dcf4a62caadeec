import { verifySignature, type SigningKey } from '../../gateway/webhook/sign.ts';
import { eventRow } from '../tail/event-row.ts';
import { cell, type Paint } from '../tail/paint.ts';
import { printable } from '../terminal.ts';

/** A request as received; names of headers in lower case. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Why a request is refused, as a receiver would; null when it is accepted. `now`: Unix milliseconds. Pure. */
export function faultOf(request: ReceivedRequest, keys: readonly SigningKey[], now: number): string | null {
  const { method, headers, body } = request;
  if (method !== 'POST') return `the method is ${printable(method)}, and not POST`;
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`]);
  if (id === undefined || timestamp === undefined || signature === undefined)
    return 'webhook-id, webhook-timestamp or webhook-signature is missing';
  return verifySignature({ id, timestamp, signature, body }, keys, now);
}

/** As one JSON object for programs. Pure. */
export function asJson({ headers, body }: ReceivedRequest, fault: string | null): string {
  const of = (name: string) => headers[name] ?? null;
  const text = body.toString('utf8');
  const told = {
    id: of('webhook-id'),
    timestamp: of('webhook-timestamp'),
    attempt: of('firehose-attempt'),
    replay: of('firehose-replay') !== null,
    fault,
    body: parsed(text) ?? text,
  };
  return `${JSON.stringify(told)}\n`;
}

const WIDTHS = { attempt: 4, type: 22 };

/** As a line for people: attempt, then the event as `firehose tail` shows it, or the type of another message. Pure. */
export function asRow({ headers, body }: ReceivedRequest, paint: Paint): string {
  const attempt = printable(
    `#${headers['firehose-attempt'] ?? '-'}${headers['firehose-replay'] === undefined ? '' : 'r'}`,
  );
  const content = parsed(body.toString('utf8'));
  const events = (Array.isArray(content) ? content : [content]).map((one) => rowOf(one, paint));
  return events.map((row) => `${paint('dim', cell(attempt, WIDTHS.attempt))}  ${row}\n`).join('');
}

function rowOf(content: unknown, paint: Paint): string {
  const { data, type, firehose, timestamp, time, accountid, specversion } = recordOf(content);
  const isEnvelope = typeof type === 'string' && (firehose !== undefined || specversion !== undefined);
  const event = recordOf(isEnvelope ? data : content);
  if (typeof event['Event-Name'] !== 'string')
    return cell(printable(typeof type === 'string' ? type : 'not an event'), WIDTHS.type);
  const account = recordOf(firehose)['account_id'] ?? accountid;
  const at = timestamp ?? time;
  return eventRow(
    {
      event: event as Parameters<typeof eventRow>[0]['event'],
      account: typeof account === 'string' ? account : null,
      ingestedAt: typeof at === 'string' ? at : null,
    },
    paint,
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Undefined when it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A receiver may get any bytes: they are shown as text.
    return undefined;
  }
}
