// @slow: millions of users
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeenUsers, UserHashes } from '../../src/formats/seen-users.ts';

const SHA = '0123456789abcdef'.repeat(4);

describe('SeenUsers', () => {
  test('says the line of the first row of each user, as a Map would', () => {
    const users = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 200 });
    const property = fc.property(users, (userIds) => {
      const seen = new SeenUsers(SHA);
      const map = new Map<string, number>();
      userIds.forEach((userId, at) => {
        const first = map.get(userId) ?? 0;
        expect(seen.add(userId, at + 1)).toBe(first);
        if (first === 0) map.set(userId, at + 1);
      });
      expect(seen.size).toBe(map.size);
    });
    fc.assert(property);
  });

  test('takes users as opaque: case, normal form, white space and length all count', () => {
    const seen = new SeenUsers(SHA);
    const userIds = [
      'a',
      'A',
      ' a',
      'a ',
      'é',
      'e\u0301',
      'aa',
      'a\u0000',
      '\ud800',
      '\udc00',
      'x'.repeat(511),
      'x'.repeat(512),
    ];
    for (const userId of userIds) expect(seen.add(userId, 1)).toBe(0);
    for (const userId of userIds) expect(seen.add(userId, 2)).toBe(1);
  });

  test('knows half a million users apart, and again from what windows saved', () => {
    const count = 500_000;
    const first = new SeenUsers(SHA);
    for (let at = 1; at <= count / 2; at++) first.add(`user-${at}`, at);
    const saved = [Buffer.concat([...first.entriesFrom(0)])];
    for (let at = count / 2 + 1; at <= count; at++) expect(first.add(`user-${at}`, at)).toBe(0);
    saved.push(Buffer.concat([...first.entriesFrom(count / 2)]));
    expect(saved.map((bytes) => bytes.length)).toEqual([count * 8, count * 8]);
    const second = new SeenUsers(SHA);
    for (const bytes of saved) second.addEntries(bytes);
    expect(second.size).toBe(count);
    for (let at = 1; at <= count; at += 997) expect(second.add(`user-${at}`, count + 1)).toBe(at);
    expect(second.add('user-0', 7)).toBe(0);
  });

  test('hashes differently for each file', () => {
    const entriesOf = (sha256: string): Buffer => {
      const seen = new SeenUsers(sha256);
      seen.add('ada', 1);
      return Buffer.concat([...seen.entriesFrom(0)]);
    };
    expect(entriesOf(SHA)).toEqual(entriesOf(SHA));
    expect(entriesOf(SHA).subarray(0, 12)).toEqual(Buffer.from(new UserHashes('ada').in(SHA).slice().buffer));
    expect(entriesOf(SHA).subarray(0, 12)).not.toEqual(entriesOf('f'.repeat(64)).subarray(0, 12));
  });
});
