/**
 * Loaded before a gateway: each SIGUSR2 sets its wall clock to the next of the offsets in FAULTS_CLOCK_STEPS, seconds
 * separated by commas. The monotonic clock is not changed, as when an operator or NTP sets a machine's clock.
 */
const steps = (process.env['FAULTS_CLOCK_STEPS'] ?? '').split(',').map(Number);
const real = Date.now;
const RealDate = Date;
let offset = 0;

Date.now = () => real() + offset;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) => {
    const parts = given.length === 0 ? [Date.now()] : given;
    return Reflect.construct(target, parts, newTarget) as object;
  },
});
process.on('SIGUSR2', () => (offset = (steps.shift() ?? 0) * 1_000));
