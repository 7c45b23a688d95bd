import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gunzip } from '../../src/formats/gunzip.ts';

const text = 'userId,alertMessage\n'.repeat(20_000);
const one = gzipSync(text);
const two = gzipSync('u1,hi\n');

function* chunks(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function expandAll(source: Iterable<Buffer> | AsyncIterable<Buffer>, options = {}): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of gunzip(source, options)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const expand = (bytes: Buffer, size = 1000, options = {}): Promise<string> => expandAll(chunks(bytes, size), options);

describe('gunzip', () => {
  test.each([1, 7, 1000, 1_000_000])('expands several members as one stream, cut every %d bytes', async (size) => {
    expect(await expand(Buffer.concat([one, two, gzipSync(''), two]), size)).toBe(`${text}u1,hi\nu1,hi\n`);
  });

  test('lets zero padding behind the last member pass', async () => {
    for (const size of [1, 1_000_000])
      expect(await expand(Buffer.concat([two, Buffer.alloc(512)]), size)).toBe('u1,hi\n');
  });

  test.each<[string, Buffer]>([
    ['no bytes', Buffer.alloc(0)],
    ['plain text', Buffer.from(text)],
    ['a cut-off member', one.subarray(0, -1)],
    ['a cut-off second member', Buffer.concat([one, two.subarray(0, 5)])],
    ['a bad CRC', Buffer.concat([one.subarray(0, -8), Buffer.from([1, 2, 3, 4]), one.subarray(-4)])],
    ['a bad length', Buffer.concat([one.subarray(0, -4), Buffer.from([9, 9, 9, 9])])],
    ['garbage behind', Buffer.concat([one, Buffer.from('garbage')])],
    ['one byte behind', Buffer.concat([one, Buffer.from([0x1f])])],
    ['a member behind padding', Buffer.concat([one, Buffer.alloc(16), two])],
  ])('refuses %s', async (_, bytes) => {
    for (const size of [1, 64, 1_000_000]) {
      await expect(expand(bytes, size)).rejects.toMatchObject({ name: 'FileRefusal', code: 'bad_gzip' });
    }
  });

  test.each<[string, Buffer, string]>([
    ['plain text', Buffer.from(text), 'is none'],
    ['garbage behind', Buffer.concat([one, Buffer.from('garbage, and more of it')]), 'has something behind its end'],
    ['a line end behind', Buffer.concat([two, Buffer.from('\r\n')]), 'has something behind its end'],
    ['a byte behind a long file', Buffer.concat([one, Buffer.from('x')]), 'has something behind its end'],
    ['a cut-off member', one.subarray(0, -1), 'is cut off'],
    ['a cut-off second member', Buffer.concat([one, two.subarray(0, 5)]), 'is cut off'],
    ['a bad CRC', Buffer.concat([one.subarray(0, -8), Buffer.from([1, 2, 3, 4]), one.subarray(-4)]), 'is damaged'],
  ])('says what is wrong: %s', async (_, bytes, what) => {
    for (const size of [7, 1_000_000]) await expect(expand(bytes, size)).rejects.toThrow(what);
  });

  test('refuses to expand beyond the cap', async () => {
    expect(await expand(one, 1000, { maxExpandedBytes: text.length })).toBe(text);
    await expect(expand(one, 1000, { maxExpandedBytes: text.length - 1 })).rejects.toMatchObject({
      name: 'FileRefusal',
      code: 'expands_too_far',
    });
  });

  test('passes on the errors of its source, and closes the source when nobody wants more', async () => {
    const broken = new Error('disk gone');
    const failing = async function* () {
      yield one.subarray(0, 100);
      throw broken;
    };
    await expect(expandAll(failing())).rejects.toBe(broken);
    let closed = false;
    const endless = async function* () {
      try {
        for (;;) yield one;
      } finally {
        closed = true;
      }
    };
    for await (const piece of gunzip(endless())) if (piece.length > 0) break;
    await expect.poll(() => closed).toBe(true);
  });
});
