import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { recognize } from '../../src/intake/upload-kind.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const long = `userId,alertMessage\n${Array.from({ length: 5_000 }, (_, at) => `u${at},Message ${at}\n`).join('')}`;

test.each<[string, Buffer, string]>([
  ['CSV', Buffer.from(long), 'csv'],
  ['NDJSON after a mark and blank lines', Buffer.from('\ufeff\n\n {"userId":"a"}'), 'ndjson'],
  ['a JSON array', Buffer.from('  [\n{"userId":"a"}]'), 'json'],
  ['a JSON array in UTF-16', Buffer.from('\ufeff[{"userId":"a"}]', 'utf16le'), 'json'],
  ['a long CSV, zipped', gzipSync(long), 'csv.gz'],
  ['a JSON array, zipped', gzipSync(`[${'{"userId":"a"},'.repeat(9_000)}{}]`), 'json.gz'],
  ['what only begins as if it was zipped', Buffer.from([0x1f, 0x8b, 1, 2, 3]), 'csv.gz'],
  ['nothing', Buffer.alloc(0), 'csv'],
])('%s is recognized, and nothing of it is lost, however it comes', async (_, bytes, extension) => {
  for (const size of [1, 700, 1 << 20]) {
    const found = await recognize(inPieces(bytes, size));
    expect(found.extension).toBe(extension);
    const pieces: Uint8Array[] = [];
    for await (const piece of found.source) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  }
});
