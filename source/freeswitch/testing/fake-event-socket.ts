import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SwitchEvent } from '../../mapper.ts';

/** More than eight members: the configuration of a switch, and its faults, one each. */
export interface FakeOptions {
  readonly password?: string;
  /** `user@domain` to the password of a directory user. */
  readonly users?: Readonly<Record<string, string>>;
  /** First words of `api` commands that are refused. */
  readonly denied?: readonly string[];
  /** An event that `esl-allowed-events` lacks. */
  readonly deniedEvent?: string;
  /** Answers to `api` commands without the final line feeds; null: no answer. */
  readonly api?: (command: string) => string | null;
  /** A command that is never answered; `greeting`: the greeting is not sent. */
  readonly hangsAt?: string;
  readonly isRude?: boolean;
  /** The answer to the login is cut off, as for a user with long lists of rights. */
  readonly isLoginCut?: boolean;
  /** Where the bytes after the subscription are split. */
  readonly cuts?: (bytes: Buffer) => readonly number[];
  /** Sent after the subscription, as far as it includes them. */
  readonly events?: readonly SwitchEvent[];
}

/** mod_event_socket as a client sees it: greeting, login, subscription, replies in order, events between them. */
export interface FakeEventSocket extends AsyncDisposable {
  readonly port: number;
  readonly commands: string[];
  /** Sends an event to all subscribed clients. */
  send(event: SwitchEvent): void;
  /** Ends every connection as a stopping switch does. */
  bye(): void;
}

const BYE = message('text/disconnect-notice', 'Disconnected, goodbye.\nSee you at ClueCon!\n');

export async function startFakeEventSocket(options: FakeOptions = {}): Promise<FakeEventSocket> {
  const { events = [], cuts = () => [] } = options;
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const listening = new Map<Socket, ReadonlySet<string>>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy()).on('close', () => (sockets.delete(socket), listening.delete(socket)));
    if (options.isRude === true) return socket.end(message('text/rude-rejection', 'Access Denied, go away.\n'));
    if (options.hangsAt !== 'greeting') socket.write('Content-Type: auth/request\n\n');
    let text = '';
    // In order, even while an earlier one is written in pieces.
    let said = Promise.resolve();
    const say = (bytes: Buffer) => void (said = said.then(() => void socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split('\n\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        commands.push(line);
        if (options.hangsAt !== undefined && line.startsWith(options.hangsAt)) return;
        say(answerTo(line, options));
        if (line.includes('auth ') && !isLogin(line, options)) said = said.then(() => void socket.end(BYE));
        if (!line.startsWith('event json ')) continue;
        const wanted = new Set(line.split(' '));
        listening.set(socket, wanted);
        const bytes = Buffer.concat(events.filter((event) => isWanted(event, wanted)).map(eventMessage));
        said = said.then(() => writeCut(socket, bytes, cuts(bytes)));
      }
    });
    return socket;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    send(event) {
      for (const [socket, wanted] of listening) if (isWanted(event, wanted)) socket.write(eventMessage(event));
    },
    bye: () => void [...sockets].map((socket) => socket.end(BYE)),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function message(type: string, body: string): Buffer {
  return Buffer.from(`Content-Type: ${type}\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`);
}

function eventMessage(event: SwitchEvent): Buffer {
  const body = Buffer.from(JSON.stringify(event));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\nContent-Type: text/event-json\n\n`), body]);
}

function isWanted(event: SwitchEvent, wanted: ReadonlySet<string>): boolean {
  return wanted.has(String(event['Event-Name'] === 'CUSTOM' ? event['Event-Subclass'] : event['Event-Name']));
}

function isLogin(line: string, { password = 'ClueCon', users = {} }: FakeOptions): boolean {
  if (line.startsWith('auth ')) return line === `auth ${password}`;
  return Object.entries(users).some(([user, secret]) => line === `userauth ${user}:${secret}`);
}

function answerTo(line: string, options: FakeOptions): Buffer {
  const { denied = [], deniedEvent, api = () => null } = options;
  const reply = (text: string) => Buffer.from(`Content-Type: command/reply\nReply-Text: ${text}\n\n`);
  if (line.includes('auth ') && options.isLoginCut === true) {
    return Buffer.from('Content-Type: command/reply\nReply-Text: +OK accepted\nAllowed-Events: CHANNEL_CR');
  }
  if (line.includes('auth ')) return reply(isLogin(line, options) ? '+OK accepted' : '-ERR invalid');
  if (line.startsWith('event ')) {
    const isDenied = deniedEvent !== undefined && line.split(' ').includes(deniedEvent);
    return reply(isDenied ? '-ERR permission denied' : '+OK event listener enabled json');
  }
  const command = line.replace(/^api /, '');
  if (command === line) return reply('-ERR command not found');
  if (denied.includes(command.split(' ')[0] ?? '')) return reply('-ERR permission denied');
  return message('api/response', `${api(command) ?? '-ERR no reply'}\n`);
}

/** Each piece in a turn of its own, so that it arrives separately. */
async function writeCut(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    socket.write(bytes.subarray(from, to));
    from = to;
    await nextTurn();
  }
}
