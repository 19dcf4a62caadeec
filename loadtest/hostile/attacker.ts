/**
 * One attack in a process of its own: `node attacker.ts NAME PORT MILLISECONDS`, the authority's PEM on standard input.
 * Prints the number of hostile acts so far as a JSON line, several times a second. Ends at SIGTERM at the latest.
 */
import { text } from 'node:stream/consumers';
import { ATTACKS, type AttackName } from './attacks.ts';
import { lowerPriority } from './idly.ts';

const ADDRESSES = Array.from({ length: 20 }, (_, at) => `127.0.0.${at + 2}`);
const TELL_EVERY_MS = 200;

const [name = '', port = '', milliseconds = ''] = process.argv.slice(2);
const attack = Object.hasOwn(ATTACKS, name) ? ATTACKS[name as AttackName] : null;
if (attack === null) throw new Error(`no attack is called '${name}': ${Object.keys(ATTACKS).join(', ')}`);
lowerPriority();
const victim = { port: Number(port), ca: await text(process.stdin) };
let acts = 0;
const tell = () => process.stdout.write(`${JSON.stringify({ acts })}\n`);
setInterval(tell, TELL_EVERY_MS).unref();
// The process that started it is gone.
process.stdout.on('error', () => process.exit(1));
process.once('SIGTERM', () => process.exit(0));
const signal = AbortSignal.timeout(Number(milliseconds));
await attack({ victim, addresses: ADDRESSES, signal, onAct: () => (acts += 1) });
process.exit(0);
