import { parseSecret, type SigningKey } from '../../gateway/webhook/sign.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { readSettings } from '../../runtime/settings/read-settings.ts';
import { answering, CommandFault } from '../administration.ts';
import { createPaint, hasColours } from '../tail/paint.ts';
import { Printer } from '../tail/printer.ts';
import type { Terminal } from '../terminal.ts';
import { asJson, asRow, faultOf } from './received.ts';
import { listenForWebhooks } from './server.ts';
import { LISTEN_SETTINGS } from './settings.ts';

export interface ListenFlags {
  readonly json?: boolean;
  readonly status?: string;
  readonly count?: string;
}

/** Prints verified webhooks until a signal, `--count` or the end of the reader. Returns the exit code. */
export function listenCommand(flags: ListenFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return answering(terminal, async () => {
    const { status, most } = judge(flags);
    const { values, faults } = readSettings(LISTEN_SETTINGS, environment);
    if (faults.length > 0) throw new CommandFault('usage', faults.join('\n'));
    const keys = [await readKey(values.FIREHOSE_WEBHOOK_SECRET_FILE, values.FIREHOSE_WEBHOOK_SECRET)];
    const isTerminal = terminal.output.isTTY === true;
    const paint = createPaint(hasColours(isTerminal, environment));
    const isJson = flags.json === true || !isTerminal;
    using printer = new Printer(terminal);
    let taken = 0;
    const at = { host: values.FIREHOSE_WEBHOOK_HOST, port: values.FIREHOSE_WEBHOOK_PORT };
    await using server = await listenForWebhooks(at, (request) => {
      const fault = faultOf(request, keys, Date.now());
      if (fault !== null) terminal.errors.write(`refused with 401: ${fault}\n`);
      // A receiver that prints slowly is a slow receiver: nothing is buffered for it.
      if (isJson) void printer.write(asJson(request, fault));
      else if (fault === null) void printer.write(asRow(request, paint));
      taken += fault === null ? 1 : 0;
      // The sender gets its answer first.
      if (taken >= most) setImmediate(() => printer.stop());
      return fault === null ? status : 401;
    });
    terminal.errors.write(`listening for webhooks on http://${at.host}:${server.port}\n`);
    await ended(printer.signal);
    await printer.finish();
  });
}

/** Throws a CommandFault that names every fault. */
function judge({ status = '204', count }: ListenFlags): { status: number; most: number } {
  const faults: string[] = [];
  if (!/^[2-5]\d\d$/.test(status)) faults.push('--status: a status from 200 to 599');
  if (count !== undefined && !/^[1-9]\d{0,8}$/.test(count)) faults.push('--count: a whole number from 1');
  if (faults.length > 0) throw new CommandFault('usage', faults.join('\n'));
  return { status: Number(status), most: count === undefined ? Number.POSITIVE_INFINITY : Number(count) };
}

async function readKey(file: string | null, given: string | null): Promise<SigningKey> {
  if (file !== null && given !== null)
    throw new CommandFault('usage', 'give the secret by --secret-file or FIREHOSE_WEBHOOK_SECRET, not by both');
  if (file === null && given === null)
    throw new CommandFault('usage', 'give the signing secret by --secret-file or FIREHOSE_WEBHOOK_SECRET');
  const text = file === null ? (given ?? '') : await textOf(file);
  const parsed = parseSecret(text);
  if ('key' in parsed) return parsed.key;
  throw new CommandFault('usage', `${file ?? 'FIREHOSE_WEBHOOK_SECRET'}: the secret ${parsed.fault}`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (error) {
    throw new CommandFault('usage', `${file}: the secret ${unreadable(error)}`);
  }
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
