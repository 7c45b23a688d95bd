/** What every store owes to those who use it, in whatever it lies. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { settleInstallationId } from '../../../src/store/installation-identity.ts';
import type { OpenedStore } from '../../../src/store/open-store.ts';
import { beginRound, newestRound, requireRound } from '../../../src/store/rounds.ts';
import { saveUsers } from '../../../src/store/saved-users.ts';
import { fileOf } from '../../../src/store/scan-users.ts';
import type { Store } from '../../../src/store/store.ts';

const bytesOf = async (source: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** `create`: an empty store. */
export function storeContract(create: () => Promise<Pick<OpenedStore, 'store' | 'users' | 'reports'>>): void {
  const empty = async (): Promise<Store> => (await create()).store;

  describe('objects', () => {
    test('are whole or not there, also where their source breaks off', async () => {
      const store = await empty();
      async function* broken() {
        yield 'half';
        throw new Error('the source broke');
      }
      await store.put('a/b', 'one');
      await expect(store.putStream('a/b', broken())).rejects.toThrow('the source broke');
      await expect(store.putStream('a/c', broken())).rejects.toThrow('the source broke');
      expect(await store.list('a')).toEqual(['b']);
      expect(String(await store.get('a/b'))).toBe('one');
      await store.put('a/b', 'two');
      expect(String(await store.get('a/b'))).toBe('two');
    });

    test('are listed sorted, sized, read in parts and deleted', async () => {
      const store = await empty();
      await store.put('a/2', 'xyz');
      await store.put('a/1', '');
      await store.put('a/deep/1', 'd');
      expect(await store.list('a')).toEqual(['1', '2', 'deep']);
      expect(await store.list('')).toEqual(['a']);
      expect(await store.list('none')).toEqual([]);
      expect([await store.size('a/2'), await store.size('a/3'), await store.exists('a/1')]).toEqual([
        3,
        undefined,
        true,
      ]);
      expect(String(await store.readRange('a/2', 1, 3))).toBe('yz');
      await expect(store.readRange('a/2', 1, 9)).rejects.toMatchObject({ code: 'store' });
      await expect(store.readRange('a/3', 0, 1)).rejects.toMatchObject({ code: 'store' });
      expect(String(await bytesOf(store.readFrom('a/2', 1)))).toBe('yz');
      expect((await bytesOf(store.readFrom('a/1', 0))).length).toBe(0);
      await store.delete('a');
      expect(await store.list('a')).toEqual([]);
    });

    test.each([0, 17, 9 * 1024 * 1024])('of %d bytes get a key that follows from their content', async (size) => {
      const store = await empty();
      const content = Buffer.alloc(size, 'abcdefg');
      let hash = createHash('sha256');
      async function* source() {
        hash = createHash('sha256');
        for (let at = 0; at < content.length; at += 1_000_000) {
          const piece = content.subarray(at, at + 1_000_000);
          hash.update(piece);
          yield piece;
        }
      }
      let key = '';
      await store.putHashed(source(), async () => {
        key = `${hash.digest('hex')}/content`;
        return key;
      });
      expect((await bytesOf(store.readFrom(key, 0))).equals(content)).toBe(true);
      await store.putHashed(source(), async () => undefined);
      expect((await store.list('')).filter((name) => name !== 'incoming')).toEqual([key.split('/')[0]]);
      expect(await store.list('incoming')).toEqual([]);
    });

    test('that are created belong to one of many that want them', async () => {
      const store = await empty();
      const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
      const won = await Promise.all(texts.map((text) => store.create('a/1', text)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(String(await store.get('a/1'))).toBe(texts[won.indexOf(true)]);
    });
  });

  test('an installation has one identity, whoever asks first', async () => {
    const store = await empty();
    const found = await Promise.all(Array.from({ length: 5 }, () => settleInstallationId(store)));
    expect(new Set(found).size).toBe(1);
  });

  test('rounds are numbers that rise, and each belongs to one run, however many begin at once', async () => {
    const store = await empty();
    const of = { sha256: 'a'.repeat(64), endpoint: 'crm' };
    const runs = ['r1', 'r2', 'r3', 'r1'];
    const begun = await Promise.all(runs.map((runId) => beginRound(store, of, { runId, begunAt: 'now' })));
    expect(Math.max(...begun.map(({ round }) => round))).toBeGreaterThanOrEqual(3);
    const newest = (await newestRound(store, of))!;
    expect(await requireRound(store, of, newest)).toMatchObject({ runId: newest.runId });
    await expect(requireRound(store, of, { round: 1, runId: 'r9' })).rejects.toThrow('is over');
  });

  test('users are found in all windows that have them', async () => {
    const { store, users } = await create();
    const files = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    const entry = Buffer.from(Uint32Array.from([1, 2, 3, 77]).buffer);
    for (const sha256 of files.slice(0, 2)) {
      await saveUsers(store, { sha256, parseKey: 'csv-1', window: 1 }, { firstChunk: 4, sizes: [10] }, [entry]);
    }
    const windows = await users.windows();
    expect(windows.map(fileOf).sort()).toEqual(files.slice(0, 2));
    const sought = Uint32Array.from([1, 2, 3, 0]);
    const hits = await users.find([...windows, `${files[2]}.csv-1.0001`], (sha256) =>
      sha256 === files[0] ? sought : Uint32Array.from([9, 9, 9, 0]),
    );
    expect(hits).toEqual([{ sha256: files[0], parseKey: 'csv-1', window: 1, line: 77, chunk: 4 }]);
  });

  describe('a report', () => {
    const HEADERS = { 'receipts.csv': 'head\n', 'report.json': '' };
    const write = async (reports: OpenedStore['reports'], mark: string) => {
      const report = await reports.open('alerts', HEADERS);
      await report.append('receipts.csv', mark);
      await report.append('report.json', JSON.stringify({ number: report.number, alerts: 1, writtenAt: mark }));
      return report;
    };

    test('is read whole, and replaced by a newer one', async () => {
      const { reports } = await create();
      expect(await reports.earlier('alerts')).toBeUndefined();
      expect(await reports.read('alerts', 'receipts.csv')).toBeUndefined();
      await (await write(reports, 'one')).publish();
      expect(await reports.read('alerts', 'receipts.csv')).toBe('head\none');
      const second = await write(reports, 'two');
      await second.publish();
      expect(await reports.read('alerts', 'receipts.csv')).toBe('head\ntwo');
      expect(await reports.earlier('alerts')).toMatchObject({ writtenAt: 'two', place: second.place });
    });

    test('never gives way to an older one, and one that is given up leaves the earlier one', async () => {
      const { reports } = await create();
      const older = await write(reports, 'older');
      const newer = await write(reports, 'newer');
      expect(newer.number).toBeGreaterThan(older.number);
      await newer.publish();
      await older.publish();
      expect(await reports.read('alerts', 'receipts.csv')).toBe('head\nnewer');
      await (await write(reports, 'given up')).discard();
      expect(await reports.read('alerts', 'receipts.csv')).toBe('head\nnewer');
    });
  });
}
