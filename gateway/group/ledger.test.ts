import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { Ledger, type Held } from './ledger.ts';

interface Member {
  readonly name: string;
  load: number;
}

const member = (name: string): Member => ({ name, load: 0 });
let [a, b] = [member('a'), member('b')];
beforeEach(() => {
  [a, b] = [member('a'), member('b')];
});
let made = 0;

function entry(partition = 0, attempts = 0) {
  made += 1;
  const meta = { name: 'DTMF', account: 'acme', callId: '', eventId: `e${made}`, ingestedAt: '', traceparent: '' };
  const data = Buffer.from('{}');
  return { partition, id: `${made}-0`, eventId: `e${made}`, metaLine: '', meta, data, attempts, excused: 0, scope: 0 };
}

const upTo = (events: number) => ({ events, bytes: 1_000_000 });
const to = (member: Member) => () => member;
const ids = (list: readonly Held<Member>[]) => list.map((held) => held.id);

test('the next event of a call waits until the one before it is settled (I2)', () => {
  const ledger = new Ledger<Member>();
  const first = ledger.add(entry(), 'call', to(a));
  const second = ledger.add(entry(), 'call', to(b));
  const other = ledger.add(entry(), 'other', to(a));
  assert.deepEqual(ids(ledger.take(a, upTo(10))), ids([first, other]));
  assert.deepEqual(ledger.take(b, upTo(10)), []);
  ledger.write(first, 0, 100);
  ledger.finish(first);
  assert.deepEqual(ledger.take(a, upTo(10)), []);
  ledger.remove(first);
  assert.deepEqual(ids(ledger.take(a, upTo(10))), ids([second]));
});

test('no more than asked for is taken, and the rest stays in order', () => {
  const ledger = new Ledger<Member>();
  const held = ['1', '2', '3'].map((call) => ledger.add(entry(), call, to(a)));
  assert.deepEqual(ledger.take(a, upTo(0)), []);
  assert.deepEqual(ids(ledger.take(a, upTo(2))), ids(held.slice(0, 2)));
  assert.deepEqual(ids(ledger.take(a, upTo(2))), ids(held.slice(2)));
  assert.deepEqual([...ledger.members()], []);
});

test('a batch ends when it is large enough in bytes, and always holds one', () => {
  const ledger = new Ledger<Member>();
  for (const call of ['1', '2', '3', '4']) ledger.add(entry(), call, to(a));
  assert.equal(ledger.take(a, { events: 10, bytes: 3 }).length, 2);
  assert.equal(ledger.take(a, { events: 10, bytes: 1 }).length, 1);
});

test('what is not acknowledged in time is given back, what is still worked on is not', () => {
  const ledger = new Ledger<Member>();
  const [late, busy] = ['1', '2'].map((call) => ledger.add(entry(), call, to(a)));
  assert.ok(late && busy);
  for (const held of ledger.take(a, upTo(2))) ledger.write(held, 0, 100);
  assert.equal(ledger.nextDue, 100);
  ledger.extend(busy, 200);
  assert.deepEqual(ledger.due(99), []);
  assert.deepEqual(ids(ledger.due(100)), [late.id]);
  assert.equal(late.attempts, 1);
  assert.equal(ledger.nextDue, 200);
});

test('a delayed event is ready again at its time, and holds its call until then', () => {
  const ledger = new Ledger<Member>();
  const first = ledger.add(entry(), 'call', to(a));
  ledger.add(entry(), 'call', to(a));
  for (const held of ledger.take(a, upTo(2))) ledger.write(held, 0, 100);
  ledger.delay(first, 50);
  ledger.due(49);
  assert.deepEqual(ledger.take(a, upTo(2)), []);
  ledger.due(50);
  assert.deepEqual(ids(ledger.take(a, upTo(2))), [first.id]);
});

test('what a connection had goes to the others in order when it leaves (I2)', () => {
  const ledger = new Ledger<Member>();
  const calls = ['1', '1', '2', '3'].map((call) => ledger.add(entry(), call, to(call === '3' ? b : a)));
  const [first, second, ready] = calls;
  assert.ok(first && second && ready);
  ledger.write(ledger.take(a, upTo(1))[0] ?? first, 0, 100);
  const written = ledger.release(a, to(b));
  assert.deepEqual(ids(written), [first.id]);
  for (const held of written) ledger.again(held);
  assert.deepEqual([...ledger.members()], [b]);
  assert.deepEqual(ids(ledger.take(b, upTo(10))), [calls[3]?.id, ready.id, first.id]);
  assert.equal(first.attempts, 1);
  assert.equal(ledger.written, 0);
});

test('a member that hangs keeps what it was written until that is overdue; all else of it moves in order (I2, I14)', () => {
  const ledger = new Ledger<Member>();
  const [first, second, ready, other] = ['1', '1', '2', '3'].map((call) =>
    ledger.add(entry(), call, to(call === '3' ? b : a)),
  );
  assert.ok(first && second && ready && other);
  ledger.write(ledger.take(a, upTo(1))[0] ?? first, 0, 100);
  ledger.moveIdleCalls(a, to(b));
  assert.deepEqual([a.load, b.load], [2, 2]);
  assert.deepEqual(ids(ledger.take(b, upTo(10))), [other.id, ready.id]);
  assert.deepEqual(ids(ledger.due(100)), [first.id]);
  ledger.moveCall(first, b);
  ledger.again(first);
  assert.deepEqual([a.load, b.load], [0, 4]);
  assert.deepEqual(ids(ledger.take(b, upTo(10))), [first.id]);
  ledger.finish(first);
  ledger.remove(first);
  assert.deepEqual(ids(ledger.take(b, upTo(10))), [second.id]);
  assert.deepEqual([...ledger.members()], []);
});

test('where there is no other member, what a hung one has stays with it', () => {
  const ledger = new Ledger<Member>();
  const held = ledger.add(entry(), 'call', to(a));
  ledger.moveIdleCalls(a, () => null);
  assert.deepEqual(ids(ledger.take(a, upTo(10))), [held.id]);
});

test('everything is gone when the partition is (I10)', () => {
  const ledger = new Ledger<Member>();
  const first = ledger.add(entry(), 'call', to(a));
  ledger.add(entry(), 'call', to(a));
  for (const held of ledger.take(a, upTo(2))) ledger.write(held, 0, 100);
  assert.equal(a.load, 2);
  assert.deepEqual(ids(ledger.clear()), [first.id]);
  assert.equal(a.load, 0);
  assert.deepEqual(ledger.sizes(), { held: 0, calls: 0, lanes: 0 });
  assert.equal(ledger.holds(first), false);
  ledger.remove(first);
  assert.deepEqual(ledger.sizes(), { held: 0, calls: 0, lanes: 0 });
});

test('whatever happens, no event of a call is written before an earlier one is settled, and all are settled in the end', () => {
  const step = fc.record({
    act: fc.constantFrom('add', 'write', 'ack', 'confirm', 'nack', 'expire', 'leave', 'hang', 'move'),
    call: fc.nat(3),
    at: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const run = new Run();
      for (const { act, call, at } of steps) run.step(act, call, at);
      run.finish();
    }),
  );
});

/** Drives a ledger as its owner does, and checks each write. */
class Run {
  readonly ledger = new Ledger<Member>();
  readonly order: Held<Member>[] = [];
  readonly all = ['a', 'b', 'c'].map(member);
  members = [...this.all];
  now = 0;
  readonly #choose = (call: string) => this.members[call.charCodeAt(0) % this.members.length] ?? a;

  step(act: string, call: number, at: number): void {
    this.now += 1;
    const open = this.order.filter((held) => this.ledger.holds(held));
    const written = open.filter((held) => held.state === 'written');
    const one = written[at % Math.max(1, written.length)];
    if (act === 'add') this.order.push(this.ledger.add(entry(), String(call), this.#choose));
    if (act === 'write') this.write(at);
    if (act === 'ack' && one) this.ledger.finish(one);
    if (act === 'confirm') for (const held of open) if (held.state === 'finishing') this.ledger.remove(held);
    if (act === 'nack' && one) this.ledger.delay(one, this.now + at);
    if (act === 'expire') for (const held of this.ledger.due(this.now)) this.ledger.delay(held, this.now + at);
    const mover = this.members[at % this.members.length];
    if (act === 'hang' && mover) this.ledger.moveIdleCalls(mover, this.#choose);
    if (act === 'move' && one && mover) {
      this.ledger.moveCall(one, mover);
      this.ledger.again(one);
    }
    if (act === 'leave' && this.members.length > 1) this.leave(at);
  }

  leave(at: number): void {
    const [gone] = this.members.splice(at % this.members.length, 1);
    if (gone === undefined) return;
    for (const held of this.ledger.release(gone, this.#choose)) this.ledger.again(held);
    assert.ok(![...this.ledger.members()].includes(gone));
    assert.equal(gone.load, 0);
  }

  write(limit: number): void {
    for (const member of this.all) {
      for (const held of this.ledger.take(member, upTo(limit))) {
        const earlier = this.order.filter(
          (other) => other.call.key === held.call.key && other !== held && this.ledger.holds(other),
        );
        assert.ok(earlier.every((other) => this.order.indexOf(other) > this.order.indexOf(held)));
        assert.equal(held.call.member, member);
        this.ledger.write(held, 0, this.now + 5);
      }
    }
  }

  finish(): void {
    for (let turn = 0; this.ledger.size > 0; turn += 1) {
      assert.ok(turn < 1_000, 'something is stuck');
      this.now += 1_000;
      for (const held of this.ledger.due(this.now)) this.ledger.finish(held);
      this.write(1_000);
      for (const held of this.order) if (held.state === 'written') this.ledger.finish(held);
      for (const held of this.order) if (held.state === 'finishing') this.ledger.remove(held);
    }
    assert.deepEqual(this.ledger.sizes(), { held: 0, calls: 0, lanes: 0 });
    for (const { load } of this.all) assert.equal(load, 0);
  }
}
