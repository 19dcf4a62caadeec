import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { CLOSE_MEANINGS } from '../../protocol/close-meaning.ts';
import { CONTROL_FRAME_START, META_KEY } from '../../protocol/event-meta.ts';
import { EVENTS_PATH, OWN_WEBHOOKS_PATH, REFERENCE_PATH } from '../../protocol/paths.ts';
import { problemMeaning } from '../../protocol/problem-code.ts';
import { openApi } from '../../protocol/reference/openapi.ts';
import { allSchemas, serverFrames } from '../../protocol/reference/schemas.ts';

type Described = Readonly<Record<string, Readonly<Record<string, { responses?: Responses }>>>>;
type Responses = Readonly<
  Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> } | undefined>
>;
interface Content {
  readonly schema?: object;
}

interface Documents {
  readonly frames: ReadonlyMap<string, ValidateFunction>;
  /** A frame of the stream as Server-Sent Events. */
  readonly streamFrame: ValidateFunction;
  readonly meta: ValidateFunction;
  readonly problem: ValidateFunction;
  readonly paths: Described;
}

let documents: Documents | null = null;

/** Made once for each process: the documents are the same for every gateway that adds no events. */
function read(): Documents {
  if (documents !== null) return documents;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = allSchemas();
  const paths: Described = openApi({ version: '0', additionalEvents: [] }).paths;
  const stream = paths[EVENTS_PATH]?.['get']?.responses?.[200]?.content?.['text/event-stream'];
  documents = {
    frames: new Map(Object.entries(serverFrames()).map(([type, schema]) => [type, ajv.compile(schema)])),
    streamFrame: ajv.compile(stream?.schema ?? false),
    meta: ajv.compile(schemas.get('meta') ?? {}),
    problem: ajv.compile(schemas.get('problem') ?? {}),
    paths,
  };
  return documents;
}

/**
 * Compares a gateway's output with its own documents (R1, R3). Each test of the whole gateway records here, and fails
 * when the gateway sent something that no document describes.
 */
export class Documented {
  readonly faults: string[] = [];

  /** A text message of the stream. Only the first events: all of them are made in one place. */
  message(text: string, number: number): void {
    if (!text.includes(`"${META_KEY}":`)) return;
    const isFrame = text.startsWith(CONTROL_FRAME_START);
    if (!isFrame && number > 10) return;
    const meta = (JSON.parse(text) as Record<string, Record<string, unknown>>)[META_KEY] ?? {};
    const validate = isFrame ? read().frames.get(String(meta['type'])) : read().meta;
    if (validate?.(meta) !== true) this.#fault(`${text.slice(0, 300)}: ${JSON.stringify(validate?.errors)}`);
  }

  /** Messages of a stream of Server-Sent Events besides call events. */
  streamFrame(frame: unknown): void {
    const { streamFrame } = read();
    if (!streamFrame(frame))
      this.#fault(`${JSON.stringify(frame).slice(0, 300)}: ${JSON.stringify(streamFrame.errors)}`);
  }

  /** The end of a stream. A close without a reason belongs to the WebSocket protocol. */
  close(code: number, reason: string): void {
    if (!reason.startsWith('{')) return;
    const { e } = JSON.parse(reason) as { e?: string };
    const meanings = CLOSE_MEANINGS as Readonly<Record<string, { readonly code: number } | undefined>>;
    const isKnown = e !== undefined && (meanings[e]?.code === code || problemMeaning(e) !== undefined);
    if (!isKnown) this.#fault(`close ${code} ${reason}`);
  }

  /** An answer of the public listener: its status is described for the path, and for a problem also its code. */
  answer(method: string, path: string, { status, body }: Answer): void {
    const described = responsesOf(method, path)?.[status]?.description;
    if (described === undefined) this.#fault(`${method} ${path} ${status}`);
    if (status < 400 || described === undefined) return;
    const { code } = body as { code?: string };
    const isProblem = read().problem(body) && described.includes(`\`${code}\``);
    if (!isProblem) this.#fault(`${method} ${path} ${status} ${JSON.stringify(body)}`);
  }

  /** A refusal of the inner listener, or of a path that is in no document: its code belongs to its status. */
  problem({ status, body }: Answer): void {
    if (status < 400) return;
    const { code } = body as { code?: string };
    const isProblem = read().problem(body) && problemMeaning(code ?? '')?.status.includes(status) === true;
    if (!isProblem) this.#fault(`${status} ${JSON.stringify(body)}`);
  }

  /** The answer to a request as sent, readable or not. */
  raw(request: string, { status, body }: { readonly status: number; readonly body: string }): void {
    // The answer to a HEAD has no body.
    if (status < 400 || body === '') return;
    const [, method = '', path = ''] = /^([A-Z]+) ([^ ?]+)/.exec(request) ?? [];
    const answer = { status, body: JSON.parse(body) as unknown };
    if (responsesOf(method, path) === undefined) this.problem(answer);
    else this.answer(method, path, answer);
  }

  /** Fails when something was sent that no document describes. */
  assertNone(): void {
    assert.deepEqual(this.faults, [], 'R1, R3: what a gateway says is in its documents');
  }

  #fault(what: string): void {
    this.faults.push(`no document has: ${what}`);
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const SCHEMA = new RegExp(`^${REFERENCE_PATH.schemas}/[^/]+\\.json$`);

const OWN_WEBHOOK = new RegExp(`^${OWN_WEBHOOKS_PATH}/[^/]+`);

function responsesOf(method: string, path: string): Responses | undefined {
  const described = SCHEMA.test(path)
    ? `${REFERENCE_PATH.schemas}/{name}.json`
    : path.replace(OWN_WEBHOOK, `${OWN_WEBHOOKS_PATH}/{id}`);
  return read().paths[described]?.[method.toLowerCase()]?.responses;
}
