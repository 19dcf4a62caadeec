/**
 * One attack in a process of its own: `node attacker.ts NAME PORT MILLISECONDS`, the authority's PEM on standard input.
 * Prints one JSON line when it starts and one with the number of hostile acts when it ends.
 */
import { constants, setPriority } from 'node:os';
import { text } from 'node:stream/consumers';
import { ATTACKS, type AttackName } from './attacks.ts';

const ADDRESSES = Array.from({ length: 20 }, (_, at) => `127.0.0.${at + 2}`);

const [name = '', port = '', milliseconds = ''] = process.argv.slice(2);
const attack = Object.hasOwn(ATTACKS, name) ? ATTACKS[name as AttackName] : null;
if (attack === null) throw new Error(`no attack is called '${name}': ${Object.keys(ATTACKS).join(', ')}`);
setPriority(constants.priority.PRIORITY_LOW);
const victim = { port: Number(port), ca: await text(process.stdin) };
process.stdout.write(`${JSON.stringify({ started: name })}\n`);
const signal = AbortSignal.timeout(Number(milliseconds));
const acts = await attack({ victim, addresses: ADDRESSES, signal });
process.stdout.write(`${JSON.stringify({ acts })}\n`);
process.exit(0);
