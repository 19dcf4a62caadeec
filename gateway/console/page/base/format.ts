/** Texts for people. Pure: the time comes as an argument. */

const two = (n: number) => String(n).padStart(2, '0');

/** `09:30:00.000` of the place where the page is read; a dash for what is not a time. */
export function clock(time: string | number | null): string {
  const date = time === null ? null : new Date(time);
  if (date === null || Number.isNaN(date.getTime())) return '–';
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** `UTC`, `GMT+1`: that of the place where the page is read, at that time. */
export function zone(time: number): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(time);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** `2026-01-31 09:30:00 UTC`: of the place where the page is read. */
export function dateAndTime(time: string | number | null): string {
  const date = time === null ? null : new Date(time);
  if (date === null || Number.isNaN(date.getTime())) return '–';
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date.getTime()).slice(0, 8)} ${zone(date.getTime())}`;
}

/** `4:05`, `1:04:05`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** `12 s ago`, `4 min ago`, `3 h ago`, `5 d ago`. */
export function ago(time: string | null, now: number): string {
  const at = time === null ? Number.NaN : Date.parse(time);
  if (Number.isNaN(at)) return '–';
  const seconds = Math.max(0, Math.round((now - at) / 1_000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** `312`, `12,345`. */
export function count(n: number | null): string {
  return n === null ? '–' : n.toLocaleString('en-US');
}

/** `340 ms`, `1.25 s`, `48 s`, `3 min 5 s`. */
export function gap(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 10_000) return `${(milliseconds / 1_000).toFixed(2)} s`;
  if (milliseconds < 90_000) return `${Math.round(milliseconds / 1_000)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The first and last characters of what is too long for its place. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - half)}…${text.slice(text.length - half)}`;
}
