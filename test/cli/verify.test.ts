import { expect, test } from 'vitest';
import type { VerifyResult } from '../../src/app/keeping/verify/verify.ts';
import { wds } from './fake-app.ts';

const SOUND: VerifyResult = { sound: true, files: 2, bytes: 2_048, chunks: 3, receipts: 1_200, findings: [] };
const FAULT = {
  weight: 'fault',
  file: 'a.csv',
  sha256: 'a'.repeat(64),
  where: 'aa/content',
  found: 'it is short',
  next: 'Drop it.',
} as const;

const verify = (result: VerifyResult, ...args: string[]) =>
  wds(['verify', ...args], { keeping: { verify: async () => result } });

test('a sound home exits 0', async () => {
  expect(await verify(SOUND)).toMatchObject({
    code: 0,
    out: 'Looked at 2 files, 3 chunks, 1,200 receipts, 2 KiB.\nAll is as it was written.\n',
  });
});

test('a fault exits 1, with where it is and what to do; a note does not', async () => {
  const note = { ...FAULT, weight: 'note', file: null } as const;
  const result = { ...SOUND, sound: false, findings: [FAULT, note] };
  const { code, out } = await verify(result);
  expect({ code, lines: out.split('\n').slice(0, 4) }).toEqual({
    code: 1,
    lines: ['✗ a.csv: it is short', '    aa/content', '  → Drop it.', '! the store: it is short'],
  });
  expect(out).toContain('1 thing is at fault.');
  expect(JSON.parse((await verify(result, '-o', 'json')).out)).toEqual(result);
  expect((await verify(result, '-o', 'jsonl')).out.split('\n')[0]).toBe(JSON.stringify(FAULT));
});
