import { startRedis } from '../../../testing/redis-server.ts';
import { killReplicas } from './killed-replicas.ts';

/** `kill-replicas.ts MINUTES`: prints the outcome. Exits with 1 when an event was lost, disordered or not received. */
const forMs = Number(process.argv[2]) * 60_000;
await using redis = await startRedis();
const outcome = await killReplicas({ redisUrl: redis.url, forMs, seed: new Date().toISOString() });
console.log(JSON.stringify(outcome));
process.exitCode = outcome.lost + outcome.disordered + outcome.gaps === 0 ? 0 : 1;
