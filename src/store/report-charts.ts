/** What report.html shows over time, and of how the receiver answered. Charts are inline SVG, each with its figures in words and as a table. */
import { grouped } from '../domain/rows/words.ts';
import type { Bucket, ReportStats } from './report-stats.ts';
import { timeText } from './report-stats.ts';

const WIDTH = 960;
const SHARES = [
  ['half of them', 0.5],
  ['90%', 0.9],
  ['99%', 0.99],
  ['all', 1],
] as const;

/** One kind of bar: stacked upon those before it. */
interface Series {
  readonly of: (bucket: Bucket) => number;
  readonly color: 'good' | 'bad' | 'slow';
}

interface Chart {
  readonly title: string;
  readonly height: number;
  readonly series: readonly Series[];
}

const ENDED: Chart = {
  title: 'Alerts that ended',
  height: 160,
  series: [
    { of: ({ delivered }) => delivered, color: 'good' },
    { of: ({ failed }) => failed, color: 'bad' },
  ],
};
const SLOWED: Chart = {
  title: 'Answers that asked to slow down (429)',
  height: 60,
  series: [{ of: ({ throttled }) => throttled, color: 'slow' }],
};

/** '' where nothing has happened. */
export function overTime(stats: ReportStats): string {
  const { buckets, widthMs } = stats.buckets();
  if (buckets.length === 0) return '';
  const isSlowed = buckets.some(({ throttled }) => throttled > 0);
  const charts = isSlowed ? [ENDED, SLOWED] : [ENDED];
  return `<h2>Over time</h2>
${charts.map((one) => chartText(one, buckets, widthMs)).join('')}${table(buckets, widthMs, isSlowed)}`;
}

function chartText({ title, height, series }: Chart, buckets: readonly Bucket[], widthMs: number): string {
  const totalOf = (bucket: Bucket): number => series.reduce((sum, { of }) => sum + of(bucket), 0);
  const most = Math.max(...buckets.map(totalOf));
  const all = buckets.reduce((sum, bucket) => sum + totalOf(bucket), 0);
  const each = WIDTH / buckets.length;
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  const bar = (bucket: Bucket, at: number): string => {
    let top = height;
    return series
      .map(({ of, color }) => {
        const tall = tenth((of(bucket) / most) * (height - 2));
        if (!(tall > 0)) return '';
        top = tenth(top - tall);
        const place = `x="${tenth(at * each)}" y="${top}" width="${Math.max(1, tenth(each - 1))}" height="${tall}"`;
        return `<rect ${place} fill="var(--${color})"/>`;
      })
      .join('');
  };
  const legend =
    series.length === 1 ? '' : '. <span class="good">■</span> Delivered, <span class="bad">■</span> otherwise';
  const [from, to] = [buckets[0]!.fromMs, buckets.at(-1)!.fromMs + widthMs].map((atMs) => timeText(atMs, widthMs));
  const about = `${title}: ${grouped(all)}, at most ${grouped(most)} in ${durationText(widthMs)}`;
  return `<figure><figcaption>${about}${legend}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" height="${height}" role="img" aria-label="${about}; from ${from} to ${to}" preserveAspectRatio="none">${buckets.map(bar).join('')}</svg>
<p class="axis soft"><span>${from}</span><span>${to}</span></p></figure>
`;
}

function table(buckets: readonly Bucket[], widthMs: number, isSlowed: boolean): string {
  const cell = (count: number): string => `<td class="n">${grouped(count)}</td>`;
  const rows = buckets
    .filter(({ delivered, failed, throttled }) => delivered + failed + throttled > 0)
    .map(({ fromMs, delivered, failed, throttled }) => {
      const counts = `${cell(delivered)}${cell(failed)}${isSlowed ? cell(throttled) : ''}`;
      return `<tr><th scope="row">${timeText(fromMs, widthMs)}</th>${counts}</tr>`;
    });
  const names = ['delivered', 'otherwise', ...(isSlowed ? ['slow down (429)'] : [])];
  const heads = names.map((name) => `<th scope="col" class="n">${name}</th>`).join('');
  return `<details><summary>The same as a table</summary><table><thead><tr><th scope="col">from</th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></details>`;
}

/** '' where that is not known: attempts of earlier versions did not count it. */
export function answerTimes({ answers: figures }: ReportStats): string {
  const { answers } = figures;
  if (answers === 0) return '';
  const rows = SHARES.map(
    ([name, share]) =>
      `<tr><th scope="row">${name}</th><td class="n">${latencyText(figures.latencyMs(share) ?? 0)}</td></tr>`,
  );
  return `<h2>How long the receiver took to answer</h2><table><thead><tr><th scope="col">of ${grouped(answers)} ${answers === 1 ? 'answer' : 'answers'}</th><th scope="col" class="n">took at most</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<p class="soft">From sending to the answer, a new connection included; within a tenth. Of all rounds, refusals and 429 too.</p>`;
}

/** '' where each took one. */
export function requestsTaken({ attempts: counts }: ReportStats): string {
  if (counts.slice(1).every((count) => count === 0)) return '';
  const rows = counts.flatMap((count, at) => {
    const label = at + 1 === counts.length ? `${at + 1} or more` : `${at + 1}`;
    return count === 0 ? [] : [`<tr><th scope="row">${label}</th><td class="n">${grouped(count)}</td></tr>`];
  });
  return `<h2>Requests that an alert took</h2><table><thead><tr><th scope="col">requests</th><th scope="col" class="n">alerts</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<p class="soft">Of the last round. Answers that only asked for a pause (429) are not counted.</p>`;
}

/** `850 ms`, `1.4 s`. */
function latencyText(latencyMs: number): string {
  if (latencyMs < 1) return 'under 1 ms';
  if (latencyMs < 1_000) return `${Number(latencyMs.toPrecision(2))} ms`;
  return `${Number((latencyMs / 1_000).toPrecision(2))} s`;
}

function durationText(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return seconds === 1 ? 'a second' : `${seconds} s`;
  return seconds < 7_200 ? `${seconds / 60} min` : `${seconds / 3_600} h`;
}
