import { expect, test } from 'vitest';
import { servedBy } from '../../src/temporal/file-signs.ts';

const polls = (version?: string) => ({ identity: 'a@b', seenMs: 0, ...(version === undefined ? {} : { version }) });

test('workers without a version serve a file without one', () => {
  expect(servedBy({ pollers: [polls()], current: undefined }, undefined)).toEqual({ files: true, needs: undefined });
  expect(servedBy({ pollers: [], current: undefined }, undefined)).toEqual({ files: false, needs: undefined });
});

test('a file that is pinned needs its own version, whatever else polls', () => {
  const both = { pollers: [polls('wds:1'), polls('wds:2')], current: 'wds:2' };
  expect(servedBy(both, 'wds:1')).toEqual({ files: true, needs: 'wds:1' });
  const left = { pollers: [polls('wds:2'), polls()], current: 'wds:2' };
  expect(servedBy(left, 'wds:1')).toEqual({ files: false, needs: 'wds:1' });
});

test('a file that is not pinned needs the current version', () => {
  expect(servedBy({ pollers: [polls('wds:2')], current: 'wds:2' }, undefined)).toEqual({ files: true, needs: 'wds:2' });
  expect(servedBy({ pollers: [polls()], current: 'wds:2' }, undefined)).toEqual({ files: false, needs: 'wds:2' });
});

test('versions poll, and none is the current one', () => {
  expect(servedBy({ pollers: [polls('wds:1')], current: undefined }, undefined)).toEqual({
    files: false,
    needs: 'none',
  });
});
