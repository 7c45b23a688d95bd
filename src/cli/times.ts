/** Times of day for people, on this machine's clock. */

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026-03-02 14:03:10` */
export function localTime(iso: string): string {
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeOfDay(at)}`;
}

const timeOfDay = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

/** `14:03:10`, with the date where it is not today's. */
export function timeOf(iso: string, now = new Date()): string {
  const at = new Date(iso);
  return at.toDateString() === now.toDateString() ? timeOfDay(at) : localTime(iso);
}
