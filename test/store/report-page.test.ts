import { describe, expect, test } from 'vitest';
import type { FileSummary } from '../../src/domain/counts.ts';
import { NO_COUNTS } from '../../src/domain/counts.ts';
import { AnswerFigures } from '../../src/domain/ledger/answer-figures.ts';
import { freshState } from '../../src/domain/ledger/row-state.ts';
import { reportPage } from '../../src/store/report-page.ts';
import type { RowEnd } from '../../src/store/report-stats.ts';
import { ReportStats } from '../../src/store/report-stats.ts';

const START_MS = Date.UTC(2030, 0, 1, 10);
const OF = {
  ...{ fileName: 'alerts.csv', endpoint: 'crm', workflowId: 'file-x-crm' },
  ...{ readToTheEnd: true, writtenAt: '2030-01-01T10:00:00.000Z', ambiguous: 0 },
};
const summary = (counts: Partial<FileSummary>): FileSummary => ({
  ...NO_COUNTS,
  ...{ sha256: 'a'.repeat(64), reportDir: '/reports/alerts', ...counts },
});

function add(stats: ReportStats, end: RowEnd, atMs: number, reason = '', line = 2): void {
  stats.add(end, { ...freshState(), attempts: 1, atMs: START_MS + atMs, reason }, { line, userId: `user-${line}` });
}

describe('what is gathered', () => {
  test('of millions of alerts over hours, with as many reasons, is bounded, and loses none', () => {
    const stats = new ReportStats();
    for (let at = 0; at < 300_000; at++) {
      if (at % 3 === 0) add(stats, 'rejected', at * 100, `HTTP 4${at % 1_000}`, at);
      else add(stats, 'delivered', at * 100);
    }
    const { buckets, widthMs } = stats.buckets();
    expect(buckets.length).toBeLessThanOrEqual(97);
    expect(buckets.every(({ fromMs }, at) => at === 0 || fromMs - buckets[at - 1]!.fromMs === widthMs)).toBe(true);
    expect(buckets.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(200_000);
    expect(buckets.reduce((sum, { failed }) => sum + failed, 0)).toBe(100_000);
    const shown = stats.reasons(Number.POSITIVE_INFINITY);
    expect(shown).toHaveLength(200);
    expect(shown.reduce((sum, { count }) => sum + count, 0) + stats.otherReasons).toBe(100_000);
  });

  test('a night between two rounds is a gap', () => {
    const stats = new ReportStats();
    add(stats, 'delivered', 0);
    add(stats, 'delivered', 10 * 3_600_000);
    const { buckets } = stats.buckets();
    expect(buckets.length).toBeGreaterThan(10);
    expect(buckets.length).toBeLessThanOrEqual(97);
    expect(buckets.filter(({ delivered }) => delivered > 0)).toHaveLength(2);
  });

  test('the commonest reason comes first, with its first row', () => {
    const stats = new ReportStats();
    add(stats, 'rejected', 0, 'HTTP 404', 7);
    add(stats, 'rejected', 0, 'HTTP 422: no such user', 8);
    add(stats, 'rejected', 0, 'HTTP 422: no such user', 9);
    expect(stats.reasons(1)).toEqual([
      { outcome: 'rejected', reason: 'HTTP 422: no such user', count: 2, line: 8, userId: 'user-8' },
    ]);
    expect(stats.reasonsBeyond(1)).toBe(1);
  });
});

describe('the page', () => {
  const failing = new ReportStats();
  add(failing, 'delivered', 0);
  add(failing, 'rejected', 5_000, '<script>alert(1)</script> & "x"', 3);
  const page = reportPage(summary({ rows: 4, alerts: 3, delivered: 1, rejected: 2, invalid: 1 }), failing, {
    ...OF,
    fileName: '<img src=x>.csv',
  });

  test('loads nothing, runs nothing, and shows what others wrote as text', () => {
    expect(page).not.toMatch(/<script|<img|<link|<[^>]*\b(src|on\w+)=|url\(|@import/i);
    expect(page.match(/https?:/g)).toBeNull();
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;');
    expect(page).toContain('<h1>&lt;img src=x&gt;.csv</h1>');
  });

  test('can be read on a phone, in the dark, and by a screen reader', () => {
    expect(page).toContain('<html lang="en">');
    expect(page).toContain('width=device-width');
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toMatch(/<svg [^>]*role="img" aria-label="[^"]+"/);
    expect(page.match(/<th>|<th (?!scope)/g)).toBeNull();
    expect(page.match(/<main>/g)).toHaveLength(1);
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });

  test('shows 429s over time, and how long answers took, where that is known', () => {
    expect(page).not.toMatch(/429\)|took to answer/);
    const stats = new ReportStats();
    for (let second = 0; second < 20; second++) add(stats, 'delivered', second * 1_000);
    const figures = new AnswerFigures();
    for (let at = 0; at < 100; at++) figures.answered(at < 90 ? 20 : 1_500);
    for (let at = 0; at < 7; at++) figures.throttled(START_MS + 5_000);
    stats.heard(figures);
    const text = reportPage(summary({ rows: 20, alerts: 20, delivered: 20 }), stats, OF);
    expect(text).toContain(
      'aria-label="Answers that asked to slow down (429): 7, at most 7 in a second; from 10:00:00 to 10:00:20"',
    );
    expect(text).toMatch(/10:00:05<\/th><td class="n">1<\/td><td class="n">0<\/td><td class="n">7</);
    expect(text).toMatch(/half of them<\/th><td class="n">\d\d ms<.*99%<\/th><td class="n">1\.\d s</);
    expectTagsInOrder(text);
  });

  test('has its tags in order', () => expectTagsInOrder(page));

  function expectTagsInOrder(page: string): void {
    const open: string[] = [];
    for (const [, close, name = '', rest] of page.matchAll(/<(\/?)(\w+)([^>]*)>/g)) {
      if (['meta', 'br'].includes(name) || rest?.endsWith('/')) continue;
      if (close === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  }

  test('says what to do next only where there is something to do', () => {
    expect(page).toContain('mend failed.csv and drop it');
    expect(page).toContain('invalid.csv');
    const fine = reportPage(summary({ rows: 1, alerts: 1, delivered: 1 }), new ReportStats(), OF);
    expect(fine).not.toContain('What to do next');
    expect(fine).toContain('<strong class="good">1 of 1 alerts delivered</strong>');
  });

  test('of a file without rows, or read in part, says so', () => {
    expect(reportPage(summary({}), new ReportStats(), OF)).toContain('Empty: nothing to send');
    const part = reportPage(summary({ rows: 5, alerts: 5, pending: 5 }), new ReportStats(), {
      ...OF,
      readToTheEnd: false,
    });
    expect(part).toContain('Not read to its end');
  });
});
