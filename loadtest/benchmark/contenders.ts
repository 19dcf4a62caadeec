import type { Contender } from './measurements.ts';
import { startCentrifugo } from './peers/start-centrifugo.ts';
import { startNats } from './peers/start-nats.ts';
import { startSocketIo } from './peers/start-socketio.ts';
import type { RunContext } from './run-context.ts';
import { startFloor, startGateway, startNaiveGateway, startStage, startTlsFloor, type Bench } from './servers.ts';

/** About 8 MiB of events: well within the tail that a gateway keeps in memory, and enough for its largest writes. */
const AHEAD = 8_000;
/** With a thousand connections, 65 events are a second of work. */
const NAIVE_AHEAD = 60;
/** Socket.io is not much faster than it. */
const SOCKETIO_AHEAD = NAIVE_AHEAD * 2;
/** The server keeps a copy of the pending events for each connection. */
const NATS_AHEAD = 1_000;
const CENTRIFUGO_AHEAD = 200;
/** One event of five matches no client, so that no gateway can forward Redis's reply as one piece. */
const FILLER_EVERY = 5;

const FED_BY_ITSELF = { ahead: 0, fillerEvery: 0, filters: 1 } as const;
const ofFloor = { ...FED_BY_ITSELF, content: 'none' } as const;
const ofStage = { ...FED_BY_ITSELF, content: 'ordered' } as const;

/** All contenders, in the order of one round: compared contenders are neighbours. */
export type ContenderName =
  | 'floor128'
  | 'gateway'
  | 'naive'
  | 'socketio'
  | 'nats'
  | 'centrifugo'
  | 'distinct'
  | 'floor32'
  | 'floor1'
  | 'stage'
  | 'stageEvents'
  | 'stageDistinct'
  | 'stage1'
  | 'stage100'
  | 'stage5000'
  | 'floor100'
  | 'floor5000'
  | 'floorTls'
  | 'stageTls';

/** All saturated servers, and the installed peers. */
export function contenders(
  bench: Bench,
  options: { connections: number; seconds: number; peers: RunContext['peers'] },
): Partial<Record<ContenderName, Contender>> {
  const { connections, seconds, peers } = options;
  const stage =
    (filters: '1' | 'distinct', batch = 32) =>
    () =>
      startStage(bench, { batch, filters, seconds });
  const ofGateway = { content: 'complete', ahead: AHEAD, fillerEvery: FILLER_EVERY } as const;
  return {
    floor128: { ...ofFloor, name: 'C floor, 128 a write', start: () => startFloor(bench, 128) },
    gateway: { ...ofGateway, name: 'gateway', filters: 1, start: () => startGateway(bench, 1) },
    naive: {
      name: 'naive gateway',
      filters: 0,
      content: 'complete',
      ahead: NAIVE_AHEAD,
      // It has no filter.
      fillerEvery: 0,
      start: () => startNaiveGateway(bench),
    },
    ...peerContenders(bench, peers),
    distinct: {
      ...ofGateway,
      name: 'gateway, all distinct',
      filters: connections,
      start: () => startGateway(bench, connections),
    },
    floor32: { ...ofFloor, name: 'C floor, 32 a write', start: () => startFloor(bench, 32) },
    stageEvents: {
      ...ofStage,
      name: 'fan-out, 32, Server-Sent Events',
      start: () => startStage(bench, { batch: 32, filters: '1', seconds, isEvents: true }),
    },
    stage: { ...ofStage, name: 'fan-out, 32 a write', start: stage('1') },
    stageDistinct: {
      ...ofStage,
      name: 'fan-out, 32, all distinct',
      filters: connections,
      start: stage('distinct'),
    },
    floor1: { ...ofFloor, name: 'C floor, 1 a write', start: () => startFloor(bench, 1) },
    stage1: { ...ofStage, name: 'fan-out, 1 a write', start: stage('1', 1) },
    ...sizedContenders(bench, seconds),
    ...(bench.programs.receiverTls !== null && {
      floorTls: { ...ofFloor, name: 'Node.js alone, 32 a write, TLS', start: () => startTlsFloor(bench) },
      stageTls: {
        ...ofStage,
        name: 'fan-out, 32 a write, TLS',
        start: () => startStage(bench, { batch: 32, filters: '1', seconds, isTls: true }),
      },
    }),
  };
}

/** Few connections and many. */
function sizedContenders(bench: Bench, seconds: number) {
  const floor = { ...ofFloor, name: 'C floor, 32 a write', start: () => startFloor(bench, 32) };
  const stage = {
    ...ofStage,
    name: 'fan-out, 32 a write',
    start: () => startStage(bench, { batch: 32, filters: '1', seconds }),
  };
  return {
    floor100: { ...floor, connections: 100 },
    stage100: { ...stage, connections: 100 },
    stage5000: { ...stage, connections: 5_000 },
    floor5000: { ...floor, connections: 5_000 },
  };
}

/** Servers of other projects that are installed here. They have no filter: all clients get every published event. */
function peerContenders(bench: Bench, peers: RunContext['peers']): Partial<Record<ContenderName, Contender>> {
  const peer = { filters: 0, content: 'complete', fillerEvery: 0 } as const;
  const [socketio, nats, centrifugo] = [peers.get('socketio'), peers.get('nats'), peers.get('centrifugo')];
  return {
    ...(socketio !== undefined && {
      socketio: {
        ...peer,
        name: 'socket.io, Redis Streams',
        ahead: SOCKETIO_AHEAD,
        start: () => startSocketIo(bench, socketio.path),
      },
    }),
    ...(nats !== undefined && {
      nats: { ...peer, name: 'nats-server, WebSocket', ahead: NATS_AHEAD, start: () => startNats(bench, nats.path) },
    }),
    ...(centrifugo !== undefined && {
      centrifugo: {
        ...peer,
        name: 'Centrifugo, Redis stream',
        ahead: CENTRIFUGO_AHEAD,
        start: () => startCentrifugo(bench, centrifugo.path),
      },
    }),
  };
}
