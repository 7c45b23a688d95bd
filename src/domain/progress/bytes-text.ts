/** Amounts of data for people. Pure. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1 byte`, `512 bytes`, `1.5 MiB`, `340 GiB`. */
export function bytesText(bytes: number): string {
  if (bytes === 1) return '1 byte';
  let [amount, unit] = [bytes, 0];
  while (amount >= 1_024 && unit < UNITS.length - 1) [amount, unit] = [amount / 1_024, unit + 1];
  const shown = unit === 0 || amount >= 100 ? String(Math.round(amount)) : amount.toFixed(1).replace(/\.0$/, '');
  return `${shown} ${UNITS[unit]}`;
}
