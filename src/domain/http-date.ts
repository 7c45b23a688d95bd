/**
 * Dates as HTTP writes them (RFC 9110, 5.6.7): the one form in use and the two obsolete ones that a recipient must still accept.
 * Strict on purpose: `Date.parse` takes "1.5" and "0x10" for dates.
 */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(${MONTHS.join('|')})`;
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})';
const IMF_FIXDATE = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\\d{2}) ${MONTH} (\\d{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** Milliseconds since the epoch, or undefined for anything that is not an HTTP date. `nowMs` places two-digit years only. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf) return utcMs(Number(imf[3]), imf[2], Number(imf[1]), imf[4], imf[5], imf[6]);
  const asctime = ASCTIME.exec(text);
  if (asctime) return utcMs(Number(asctime[6]), asctime[1], Number(asctime[2]), asctime[3], asctime[4], asctime[5]);
  const old = RFC_850.exec(text);
  if (!old) return undefined;
  const thisYear = new Date(nowMs).getUTCFullYear();
  let year = thisYear - (thisYear % 100) + Number(old[3]);
  // "more than 50 years in the future" means the past (RFC 9110, 5.6.7).
  if (year > thisYear + 50) year -= 100;
  return utcMs(year, old[2], Number(old[1]), old[4], old[5], old[6]);
}

function utcMs(year: number, month = '', day: number, hour = '', minute = '', second = ''): number | undefined {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (h > 23 || m > 59 || s > 60) return undefined;
  const ms = Date.UTC(year, MONTHS.indexOf(month), day, h, m, s);
  // Date.UTC carries 31 June over to 1 July; such a date is malformed.
  return new Date(Date.UTC(year, MONTHS.indexOf(month), day)).getUTCDate() === day ? ms : undefined;
}
