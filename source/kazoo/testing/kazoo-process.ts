import { writeSync } from 'node:fs';
import { runKazoo, type KazooGiven } from './kazoo-bus.ts';

/**
 * A replica of a Kazoo source in a process of its own, for tests that kill it: prints how many events it has appended.
 */
const given = JSON.parse(process.argv[2] ?? '') as KazooGiven;
let count = 0;
const running = await runKazoo(given, () => {
  count += 1;
  if (count % 100 === 0) writeSync(1, `appended ${count}\n`);
});
setInterval(() => {
  if (running.states.get('broker')?.bound === true) writeSync(1, 'bound\n');
}, 50);
