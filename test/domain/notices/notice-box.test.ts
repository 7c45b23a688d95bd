import { describe, expect, test } from 'vitest';
import type { FileSummary } from '../../../src/domain/counts.ts';
import type { Notice } from '../../../src/domain/notices/notice.ts';
import { noticeOfCircuit, noticeOfRefusal, noticesOfEnd } from '../../../src/domain/notices/notice.ts';
import { NoticeBox } from '../../../src/domain/notices/notice-box.ts';

const AT = '2026-11-27T08:00:00.000Z';
const SUMMARY: FileSummary = {
  ...{ sha256: 'ab'.repeat(32), reportDir: '/reports/a', rows: 10, alerts: 10, delivered: 10 },
  ...{ rejected: 0, undelivered: 0, unconfirmed: 0, invalid: 0, duplicates: 0, pending: 0 },
};
const endOf = (file: string, counts: Partial<FileSummary> = {}): Notice[] =>
  noticesOfEnd(
    { workflowId: `file-${file}`, round: 1, fileName: file, endpoint: 'crm' },
    { ...SUMMARY, ...counts },
    AT,
  );
const failed = (file: string): Notice => endOf(file, { delivered: 8, rejected: 2 })[0]!;

function told(box: NoticeBox, nowMs: number): string[] {
  return box.due(nowMs, 'home').map(({ type, text, data }) => `${type} ${data.count}: ${text}`);
}

describe('the end of a file', () => {
  test.each([
    ['all delivered', {}, ['file.finished']],
    ['all delivered or suppressed', { delivered: 7, suppressed: 3 }, ['file.finished']],
    ['some rejected', { delivered: 8, rejected: 2 }, ['file.failed']],
    ['some unconfirmed', { delivered: 9, unconfirmed: 1 }, ['decision.waiting']],
    ['both', { delivered: 7, undelivered: 2, unconfirmed: 1 }, ['file.failed', 'decision.waiting']],
    ['not at its end yet', { delivered: 9, pending: 1 }, []],
  ])('%s', (_how, counts, types) => {
    expect(endOf('a.csv', counts).map(({ type }) => type)).toEqual(types);
  });
});

describe('notices', () => {
  test('that come together are told together, once, with the files they are about', () => {
    const box = new NoticeBox(undefined, 0);
    for (let at = 0; at < 500; at++) box.take(failed(`f${at}.csv`), at);
    box.take(failed('f0.csv'), 600);
    expect(box.nextMs).toBe(5_000);
    expect(told(box, 4_999)).toEqual([]);
    const [body, ...others] = box.due(5_000, 'home');
    expect(others).toEqual([]);
    expect(body).toMatchObject({
      type: 'file.failed',
      timestamp: AT,
      text: '500 files failed, endpoint crm: f0.csv, f1.csv, f2.csv and 497 more',
      data: { installation: 'home', subject: 'crm', count: 500 },
    });
    expect(body!.data.files).toHaveLength(100);
    expect(box.nextMs).toBeUndefined();
  });

  test('that go on are told ever more rarely, and none is left out', () => {
    const box = new NoticeBox(undefined, 0);
    const times: number[] = [];
    let count = 0;
    for (let nowMs = 0; nowMs < 40 * 60_000; nowMs += 1_000) {
      if (nowMs < 30 * 60_000) box.take(failed(`f${nowMs}.csv`), nowMs);
      for (const { data } of box.due(nowMs, 'home')) {
        times.push(nowMs / 1_000);
        count += data.count;
      }
    }
    expect(times).toEqual([5, 65, 365, 965, 1565, 2165]);
    expect(count).toBe(30 * 60);
  });

  test('after a quiet time come at once again', () => {
    const box = new NoticeBox(undefined, 0);
    box.take(failed('a.csv'), 0);
    told(box, 5_000);
    const laterMs = 3_600_000;
    box.take(failed('b.csv'), laterMs);
    expect(told(box, laterMs + 5_000)).toEqual(['file.failed 1: b.csv: 8 of 10 delivered, 2 rejected']);
  });

  test('of different kinds and endpoints are told apart; a circuit comes at once', () => {
    const box = new NoticeBox(undefined, 0);
    const open = { isOpen: true, openedAt: AT, text: 'nothing gets through' };
    box.take(noticeOfCircuit('crm', open, AT), 0);
    box.take(noticeOfCircuit('crm', open, AT), 1);
    box.take(noticeOfRefusal({ file: 'b.csv', sha256: 'b', endpoint: 'crm', reason: 'no header' }, AT), 2);
    expect(told(box, 3)).toEqual([
      'circuit.opened 1: endpoint crm: circuit open, its files wait and only probes are sent: nothing gets through',
    ]);
    expect(told(box, 6_000)).toEqual(['file.refused 1: b.csv: refused, nothing of it is sent: no header']);
  });

  test('survive as JSON, with what was told before', () => {
    const box = new NoticeBox(undefined, 0);
    box.take(failed('a.csv'), 0);
    told(box, 5_000);
    box.take(failed('b.csv'), 6_000);
    const next = new NoticeBox(JSON.parse(JSON.stringify(box.state)), 7_000);
    next.take(failed('a.csv'), 8_000);
    next.take(failed('c.csv'), 9_000);
    expect(told(next, 64_000)).toEqual([]);
    expect(told(next, 65_000)).toEqual(['file.failed 2: 2 files failed, endpoint crm: b.csv, c.csv']);
  });
});
