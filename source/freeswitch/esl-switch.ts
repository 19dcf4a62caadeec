import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { guardedSocket } from '../../runtime/net/guarded-socket.ts';
import { EslSocket } from '../esl/esl-socket.ts';
import { SwitchFault, type Switch, type SwitchConnection } from '../switch.ts';
import { CORE_UUID, noteCore } from './core-uuid.ts';
import type { ParkSource } from './freeswitch-names.ts';
import { listChannels } from './list-channels.ts';
import { subscribedEvents } from './subscription.ts';

export interface EslSwitchOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: EslCredentials;
  readonly park: ParkSource;
  /** Addresses to which connections are allowed; null: all. */
  readonly policy: AddressPolicy | null;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly limits?: Partial<EslLimits>;
}

/** Must not appear in a log or an error (S12). */
interface EslCredentials {
  /** `user@domain` of the directory; without it, the password is that of event_socket.conf. */
  readonly user?: string;
  readonly password: string;
}

/** Milliseconds. */
interface EslLimits {
  /** Limit for connecting, and for each answer. */
  readonly step: number;
  /** Limit for a whole listing: legs without variables by then are listed without them. */
  readonly listing: number;
  readonly silent: number;
}

const LIMITS: EslLimits = { step: 10_000, listing: 60_000, silent: 45_000 };
const VERSION = /^[\w.+~-]{1,64}/;
const LINE_BREAK = /[\r\n\0]/;
const USER = /^[^@:\s]+@[^@:\s]+$/;

/** Listens to a FreeSWITCH through its event socket. */
export function createEslSwitch(options: EslSwitchOptions): Switch {
  return {
    async open(listener, signal) {
      signal.throwIfAborted();
      const login = loginCommand(options.credentials);
      const { host, port, policy, now } = options;
      const limits = { ...LIMITS, ...options.limits };
      const noted = noteCore(listener);
      const socket = guardedSocket({ host, port, tls: null }, policy);
      await using stack = new AsyncDisposableStack();
      const esl = stack.use(new EslSocket(socket, { listener: noted.listener, silentMs: limits.silent, now }));
      const ask = async (line: string) => esl.command(line, limits.step, signal);
      await esl.greeting(limits.step, signal);
      if (!(await ask(login)).ok) {
        throw new SwitchFault('Credentials', 'The event socket refuses the user or the password');
      }
      if (!(await ask(`event json ${subscribedEvents(options.park)}`)).ok) {
        throw new SwitchFault(
          'AccessRefused',
          `The user's esl-allowed-events must have ${subscribedEvents(options.park)}`,
        );
      }
      const since = now();
      const instance =
        coreOf(await ask('api global_getvar core_uuid')) ?? (await noted.core(esl.ended, limits.silent, signal));
      const version = VERSION.exec((await ask('api version short')).body.toString())?.[0] ?? '';
      const canDump = (await ask('api uuid_dump 00000000-0000-0000-0000-000000000000 json')).ok;
      const owned = stack.move();
      return connectionOf({ esl, owned, instance, version, since, canDump, limits, now });
    },
  };
}

interface Opened {
  readonly esl: EslSocket;
  readonly owned: AsyncDisposableStack;
  readonly instance: string;
  readonly version: string;
  readonly since: number;
  readonly canDump: boolean;
  readonly limits: EslLimits;
  readonly now: () => number;
}

function connectionOf({ esl, owned, instance, version, since, canDump, limits, now }: Opened): SwitchConnection {
  return {
    instance,
    version,
    since,
    get heardAt() {
      return esl.heardAt;
    },
    degraded: canDump ? null : 'AccountsNotListed',
    lost: esl.ended,
    listing: (signal) => listChannels(esl, { core: instance, canDump, limits, now }, signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function loginCommand({ user, password }: EslCredentials): string {
  if (LINE_BREAK.test(password) || password === '') {
    throw new SwitchFault('Credentials', 'The password of the event socket is empty, or has a line break');
  }
  if (user === undefined) return `auth ${password}`;
  if (!USER.test(user)) {
    throw new SwitchFault('Credentials', 'The user of the event socket is one of the directory: user@domain');
  }
  return `userauth ${user}:${password}`;
}

function coreOf({ ok, body }: { readonly ok: boolean; readonly body: Buffer }): string | null {
  const core = body.toString().trim();
  return ok && CORE_UUID.test(core) ? core : null;
}
