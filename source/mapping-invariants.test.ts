import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MappedEvent, SwitchEvent } from './mapper.ts';
import { byLeg, mapAll, recording, recordings, type Recording } from './testing/recordings.ts';
import { assertAlternation, assertBridgesEnd, assertWholeLegs } from './testing/whole-legs.ts';

const ALL = recordings();

const unique = (events: readonly MappedEvent[]) => [...new Map(events.map((event) => [event.eventId, event])).values()];

const timeOf = ({ events }: Recording, index: number) => events[Math.min(index, events.length) - 1]?.received ?? 0;

test('S3: every leg of every recording has one CREATE first and one DESTROY last', () => {
  for (const { name, mapper, events } of ALL) {
    const switched = mapper();
    const mapped = mapAll(switched, events);
    assertWholeLegs(mapped, switched.liveLegs(), name);
    assert.deepEqual(switched.liveLegs(), [], `${name}: every leg has ended`);
  }
});

test('S3: a leg has at most one ANSWER, HOLD and UNHOLD alternate, each BRIDGE has its UNBRIDGE', () => {
  for (const { name, mapper, events } of ALL) {
    const mapped = mapAll(mapper(), events);
    assertAlternation(mapped, name);
    // A switch that was killed sends no UNBRIDGE.
    if (!name.includes('crash_kill')) assertBridgesEnd(mapped, name);
  }
});

test('S3: an event is the switch’s own unless it is marked', () => {
  for (const { name, mapper, events } of ALL) {
    for (const event of mapAll(mapper(), events)) {
      const marked = (JSON.parse(event.json) as SwitchEvent)['Firehose-Synthetic'] ?? null;
      assert.equal(marked, event.synthetic, name);
      const expected = name.includes('crash_kill') ? 'CHANNEL_DESTROY' : 'RECORD_STOP';
      if (event.synthetic !== null) assert.equal(event.name, expected, `${name}: only what nobody said is made`);
    }
  }
});

test('S3: legs hold when the source dies after any line and begins again with a listing', () => {
  for (const source of ALL) {
    const first = source.mapper();
    let before: MappedEvent[] = [];
    for (let cut = 0; cut <= source.events.length; cut += 1) {
      const second = source.mapper();
      const at = timeOf(source, cut);
      const adopted = second.adopt(source.listing(cut), { from: at, to: at + 1, restarted: false });
      const after = mapAll(second, source.events.slice(cut));
      // The log refuses an id that it has: an event that both send counts once.
      const log = unique([...before, ...adopted, ...after]);
      assertWholeLegs(log, second.liveLegs(), `${source.name} cut at ${cut}`);
      const next = source.events[cut];
      if (next !== undefined) before = [...before, ...first.feed(next.event, next.received).events];
    }
  }
});

test('S3: legs hold when the source begins after any line without a listing', () => {
  for (const source of ALL) {
    for (let cut = 0; cut <= source.events.length; cut += 1) {
      const mapper = source.mapper();
      const mapped = mapAll(mapper, source.events.slice(cut));
      assertWholeLegs(mapped, mapper.liveLegs(), `${source.name} from ${cut}`);
      assert.deepEqual(mapper.liveLegs(), [], `${source.name} from ${cut}`);
    }
  }
});

test('S1, S8: replicas that receive the same events at other times give a leg the same accounts', () => {
  const decisions = (source: Recording, jitter: (index: number) => number) => {
    const mapper = source.mapper();
    let arrived = 0;
    const mapped = source.events.flatMap(({ event, received }, index) => {
      arrived = Math.max(arrived, received + jitter(index));
      return [...mapper.advance(arrived), ...mapper.feed(event, arrived).events];
    });
    return [...mapped, ...mapper.advance(Infinity)].map(({ eventId, account }) => `${eventId} ${account}`).toSorted();
  };
  for (const source of ALL) {
    const told = decisions(source, () => 0);
    for (const step of [7, 137, 311]) {
      const late = decisions(source, (index) => (index * step) % 400);
      assert.deepEqual(late, told, `${source.name}: the log would have an event in two accounts`);
    }
  }
});

test('S3: legs hold when the connection is lost after any line, for a while', () => {
  for (const source of ALL) {
    for (let cut = 0; cut <= source.events.length; cut += 3) {
      for (const missed of [1, 9]) {
        const back = Math.min(cut + missed, source.events.length);
        const mapper = source.mapper();
        const before = source.events.slice(0, cut).flatMap((e) => mapper.feed(e.event, e.received).events);
        const outage = { from: timeOf(source, cut), to: timeOf(source, back), restarted: false };
        const adopted = mapper.adopt(source.listing(back), outage);
        const after = mapAll(mapper, source.events.slice(back));
        assertWholeLegs([...before, ...adopted, ...after], mapper.liveLegs(), `${source.name} ${cut} to ${back}`);
        assert.deepEqual(mapper.liveLegs(), [], `${source.name} ${cut} to ${back}`);
      }
    }
  }
});

test('S3: every leg ends with CRASH when the switch restarts after any line', () => {
  for (const source of ALL) {
    for (let cut = 0; cut <= source.events.length; cut += 1) {
      const mapper = source.mapper();
      const before = source.events.slice(0, cut).flatMap((e) => mapper.feed(e.event, e.received).events);
      const at = timeOf(source, cut);
      const ends = mapper.adopt([], { from: at, to: at + 1_000, restarted: true });
      assertWholeLegs([...before, ...ends], [], `${source.name} at ${cut}`);
      for (const { name, json, synthetic } of ends) {
        if (name !== 'CHANNEL_DESTROY') continue;
        assert.equal(synthetic, 'switch_restarted');
        const body = JSON.parse(json) as SwitchEvent;
        assert.equal(body['Hangup-Cause'], 'CRASH');
        assert.equal(body['Hangup-Code'], undefined);
        assert.equal(body['Billing-Seconds'], undefined);
        assert.equal(body['Msg-ID'], String((at + 1_000) * 1_000));
      }
    }
  }
});

test('S2: the events of a leg come in the switch’s order, also when its CREATE waits for the account', () => {
  for (const { name, mapper, events } of ALL) {
    for (const holdMs of [0, 250, 2_000]) {
      for (const leg of byLeg(mapAll(mapper({ holdMs }), events)).values()) {
        const order = leg.map(({ position }) => Number(position.slice(position.lastIndexOf(':') + 1)));
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
          name,
        );
      }
    }
  }
});

test('S8: an event has an account that its leg or the root of its beginning was given, or none', () => {
  for (const { name, mapper, events } of ALL) {
    const named = accountsNamed(events.map(({ event }) => event));
    for (const { account, callId } of mapAll(mapper(), events)) {
      const id = callId.replace(/@pbx1$/, '');
      const { own, root } = named.get(id) ?? { own: new Set(), root: '' };
      const allowed = new Set(['', ...own, ...(named.get(root)?.own ?? [])]);
      assert.ok(allowed.has(account), `${name}: ${callId} has ${account}, not of ${[...allowed].join(' ')}`);
    }
  }
});

test('S8: the calls of two tenants on one switch keep their accounts, from any line on', () => {
  for (const folder of ['freeswitch-1.11/esl', 'asterisk-22/ami', 'asterisk-22/ari-outbound']) {
    const acme = recording(`${folder}/answered_caller_hangs_up`);
    const globex = recording(`${folder}/other_tenant`);
    const mixed = acme.events.flatMap((event, index) => [event, ...globex.events.slice(index, index + 1)]);
    const ownerOf = new Map([
      ...mapAll(acme.mapper(), acme.events).map(({ callId }) => [callId, 'acme'] as const),
      ...mapAll(globex.mapper(), globex.events).map(({ callId }) => [callId, 'globex'] as const),
    ]);
    for (let cut = 0; cut < mixed.length; cut += 1) {
      for (const { account, callId } of mapAll(acme.mapper(), mixed.slice(cut))) {
        assert.ok(['', ownerOf.get(callId)].includes(account), `${folder} from ${cut}: ${callId} has ${account}`);
      }
    }
  }
});

test('S9: what is removed for tenants is in no event', () => {
  const removed =
    /"(Local-SDP|Remote-SDP|Custom-SIP-Headers|Media-Server|Switch-[^"]*|Node|Caller-Network-Addr|Server-ID|Application-Node|Ecallmgr-Node|Control-Queue|DTMF-Digit|Call-Debug|Transfer-History|Record-File-Path|speech_body)":/;
  for (const { name, mapper, events } of ALL) {
    for (const { json } of mapAll(mapper(), events)) {
      assert.doesNotMatch(json, removed, name);
      assert.doesNotMatch(json, /v=0\\r|\/var\/lib\/|fs1\.example\.com|sip_auth/, name);
    }
  }
});

test('S9: a removed field comes back by its name', () => {
  const { mapper, events } = recording('freeswitch-1.11/esl/dtmf_in_bridge');
  const digits = (keep: string[]) =>
    mapAll(mapper({ privacy: { keep, remove: ['User-Agent'] } }), events)
      .map(({ json }) => JSON.parse(json) as SwitchEvent)
      .filter((event) => event['Event-Name'] === 'DTMF')
      .map((event) => [event['DTMF-Digit'], event['Node'], event['User-Agent']]);
  assert.deepEqual(new Set(digits([]).flat()), new Set([undefined]));
  for (const [digit, node, agent] of digits(['DTMF-Digit', 'Node'])) {
    assert.match(String(digit), /^[0-9*#]$/);
    assert.equal(node, 'freeswitch@fs1');
    assert.equal(agent, undefined);
  }
});

test('S10: the same recording gives the same bytes, and no event is changed', () => {
  for (const { name, mapper, events } of ALL) {
    const before = JSON.stringify(events);
    const once = mapAll(mapper(), events);
    assert.deepEqual(mapAll(mapper(), events), once, name);
    assert.equal(JSON.stringify(events), before, name);
    assert.equal(new Set(once.map(({ eventId }) => eventId)).size, once.length, `${name}: ids are unique`);
    for (const { eventId } of once) assert.match(eventId, /^[A-Za-z0-9._:-]{1,128}$/);
  }
});

test('S3, S10: events that come twice change nothing; of FreeSWITCH also when a part of the recording is between', () => {
  for (const { name, mapper, events } of ALL) {
    const ids = mapAll(mapper(), events).map(({ eventId }) => eventId);
    const half = Math.floor(events.length / 2);
    const doubled = {
      each: events.flatMap((event) => [event, event]),
      ...(name.startsWith('freeswitch') && {
        half: [...events.slice(0, half), ...events.slice(Math.max(0, half - 20), half), ...events.slice(half)],
      }),
    };
    for (const [how, given] of Object.entries(doubled)) {
      const found = mapAll(mapper(), given);
      assert.deepEqual(
        found.map(({ eventId }) => eventId),
        ids,
        `${name}: ${how}`,
      );
      assertAlternation(found, `${name}: ${how}`);
    }
  }
});

test('S10: a text that a caller made very long is cut, and what is left is an event', () => {
  const long = 'é😀'.repeat(40_000);
  for (const folder of ['freeswitch-1.11/esl', 'asterisk-22/ami', 'asterisk-22/ari']) {
    const { mapper, events } = recording(`${folder}/answered_caller_hangs_up`);
    const wide = events.map(({ event, ...rest }) => ({
      ...rest,
      event: JSON.parse(JSON.stringify(event).replaceAll('"1001"', JSON.stringify(long))) as SwitchEvent,
    }));
    const found = mapAll(mapper(), wide);
    assert.ok(found.some(({ json }) => json.includes('é😀é😀')));
    for (const { json } of found) {
      assert.ok(Buffer.byteLength(json) < 16_384, folder);
      assert.ok(json.isWellFormed());
    }
  }
});

test('S10: two listeners that connect at different times make the same ids', () => {
  for (const { name, mapper, events } of ALL) {
    const ids = new Set(mapAll(mapper(), events).map(({ eventId }) => eventId));
    const late = mapAll(mapper(), events.slice(3)).filter(({ synthetic }) => synthetic === null);
    for (const { eventId } of late) assert.ok(ids.has(eventId), `${name}: ${eventId}`);
  }
});

/** The accounts that a recording's events name for each leg, and the leg's root at its start. */
function accountsNamed(events: readonly SwitchEvent[]) {
  const legs = new Map<string, { own: Set<string>; root: string }>();
  const note = (id: unknown, account: unknown, root: unknown) => {
    if (typeof id !== 'string') return;
    const leg = legs.get(id) ?? { own: new Set<string>(), root: typeof root === 'string' ? root : '' };
    if (typeof account === 'string' && account !== '') leg.own.add(account);
    legs.set(id, leg);
  };
  for (const event of events) {
    note(event['Unique-ID'], event['variable_account_id'], event['Channel-Call-UUID']);
    for (const prefix of ['', 'Dest', 'Parkee', 'Transferee', 'OrigTransferer', 'Transferer']) {
      note(event[`${prefix}Uniqueid`], event[`${prefix}AccountCode`], event[`${prefix}Linkedid`]);
    }
    for (const key of ['channel', 'caller', 'peer', 'transferee', 'transferer_first_leg']) {
      const channel = event[key] as SwitchEvent | undefined;
      note(channel?.['id'], channel?.['accountcode'], '');
    }
  }
  return legs;
}
