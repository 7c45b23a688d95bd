import { describe, expect, test } from 'vitest';
import {
  claimName,
  fittingName,
  isUploadInProgress,
  parseClaimName,
  printableName,
  processedName,
} from '../../src/intake/inbox-names.ts';

describe('names in the inbox', () => {
  test.each(['.a.csv', 'a.csv.part', 'a.PARTIAL', 'a.tmp', 'a.csv.crdownload', 'a.filepart', '.a.swp', 'a.csv~'])(
    '%s is an upload in progress',
    (name) => expect(isUploadInProgress(name)).toBe(true),
  );
  test.each(['a.csv', 'part.csv', 'a.tmp.csv', 'a~b.csv'])('%s is a file', (name) =>
    expect(isUploadInProgress(name)).toBe(false),
  );

  test('are shown without anything that moves a cursor, breaks a line or turns the text around', () => {
    expect(printableName('a\u001b[2J\r\n\u009b\u2028\u202e.csv')).toBe(
      'a\\u001b[2J\\u000d\\u000a\\u009b\\u2028\\u202e.csv',
    );
    expect(printableName('größe 表.csv')).toBe('größe 表.csv');
    expect(printableName('a\\u000a.csv')).toBe('a\\\\u000a.csv');
  });
});

describe('names on the way', () => {
  test('a claim says priority and name, whatever the name', () => {
    for (const name of ['a.csv', '000001-urgent-a.csv', 'line\nbreak.csv', '-']) {
      expect(parseClaimName(claimName(7, 'urgent', name))).toEqual({ priority: 'urgent', name });
    }
    expect(parseClaimName('alive')).toBeUndefined();
  });

  test('a processed file carries the UTC time', () => {
    const now = new Date('2025-01-31T23:59:59.123Z');
    expect(processedName('a.csv', now, 1)).toBe('20250131T235959.123Z-a.csv');
    expect(processedName('a.csv', now, 3)).toBe('20250131T235959.123Z-3-a.csv');
  });

  test('a name that is too long loses its middle, not its extension', () => {
    for (const letter of ['a', 'é', '表', '😀']) {
      const name = `${letter.repeat(Math.floor(245 / Buffer.byteLength(letter)))}.ndjson.gz`;
      const fitting = fittingName('000001-normal-', name);
      expect(Buffer.byteLength(fitting)).toBeLessThanOrEqual(255);
      expect(fitting).toMatch(/^000001-normal-.*…?.*\.ndjson\.gz$/u);
    }
  });
});
