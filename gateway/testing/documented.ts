import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { CLOSE_MEANINGS } from '../../protocol/close-meaning.ts';
import { CONTROL_FRAME_START, META_KEY } from '../../protocol/event-meta.ts';
import { problemMeaning } from '../../protocol/problem-code.ts';
import { openApi } from '../../protocol/reference/openapi.ts';
import { allSchemas, serverFrames } from '../../protocol/reference/schemas.ts';

type Described = Readonly<Record<string, Readonly<Record<string, { responses?: Responses }>>>>;
type Responses = Readonly<Record<string, { readonly description: string } | undefined>>;

interface Documents {
  readonly frames: ReadonlyMap<string, ValidateFunction>;
  readonly meta: ValidateFunction;
  readonly problem: ValidateFunction;
  readonly paths: Described;
}

let documents: Documents | null = null;

/** Made once a process: the documents are the same for every gateway that adds no events. */
function read(): Documents {
  if (documents !== null) return documents;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = allSchemas();
  documents = {
    frames: new Map(Object.entries(serverFrames()).map(([type, schema]) => [type, ajv.compile(schema)])),
    meta: ajv.compile(schemas.get('meta') ?? {}),
    problem: ajv.compile(schemas.get('problem') ?? {}),
    paths: openApi({ version: '0', additionalEvents: [] }).paths,
  };
  return documents;
}

/**
 * Compares what a gateway says with its own documents (R1, R3). Each test of the whole gateway records here, and fails when
 * the gateway said what no document has.
 */
export class Documented {
  readonly faults: string[] = [];

  /** A text message of the stream. Of events the first ones: all of them are made in one place. */
  message(text: string, number: number): void {
    if (!text.includes(`"${META_KEY}":`)) return;
    const isFrame = text.startsWith(CONTROL_FRAME_START);
    if (!isFrame && number > 10) return;
    const meta = (JSON.parse(text) as Record<string, Record<string, unknown>>)[META_KEY] ?? {};
    const validate = isFrame ? read().frames.get(String(meta['type'])) : read().meta;
    if (validate?.(meta) !== true) this.#fault(`${text.slice(0, 300)}: ${JSON.stringify(validate?.errors)}`);
  }

  /** The end of a stream. A close without a reason is of the WebSocket protocol. */
  close(code: number, reason: string): void {
    if (!reason.startsWith('{')) return;
    const { e } = JSON.parse(reason) as { e?: string };
    const meanings = CLOSE_MEANINGS as Readonly<Record<string, { readonly code: number } | undefined>>;
    const isKnown = e !== undefined && (meanings[e]?.code === code || problemMeaning(e) !== undefined);
    if (!isKnown) this.#fault(`close ${code} ${reason}`);
  }

  /** An answer of the public listener: its status is described for the path, and of a problem also its code. */
  answer(method: string, path: string, { status, body }: { status: number; body: unknown }): void {
    const described = read().paths[path]?.[method.toLowerCase()]?.responses?.[status]?.description;
    if (described === undefined) this.#fault(`${method} ${path} ${status}`);
    if (status < 400 || described === undefined) return;
    const { code } = body as { code?: string };
    const isProblem = read().problem(body) && described.includes(`\`${code}\``);
    if (!isProblem) this.#fault(`${method} ${path} ${status} ${JSON.stringify(body)}`);
  }

  #fault(what: string): void {
    this.faults.push(`no document has: ${what}`);
  }
}
