import { expect, test } from 'vitest';
import type { Diagnosis } from '../../src/app/doctor/doctor.ts';
import { wds } from './fake-app.ts';

const DIAGNOSIS: Diagnosis = {
  findings: [
    { check: 'wds', state: 'ok', found: '0.2.0' },
    { check: 'home disk', state: 'warning', found: '1.5 GiB of 9.0 free', next: 'Make room.' },
  ],
  settings: [
    { key: 'endpoint.rate', value: '20/s', from: '--rate' },
    { key: 'inbox', value: 'inbox', from: 'default' },
  ],
};
const AT_FAULT: Diagnosis = {
  ...DIAGNOSIS,
  findings: [...DIAGNOSIS.findings, { check: 'temporal', state: 'fault', found: 'gone\nfor good', next: 'Start it.' }],
};

test('exits 0 where nothing is at fault, with each finding, and the settings that somebody has stated', async () => {
  const { code, out, calls } = await wds(['doctor'], { examine: async () => DIAGNOSIS });
  expect({ code, calls }).toEqual({ code: 0, calls: [] });
  expect(out.split('\n')).toEqual([
    '✓ wds        0.2.0',
    '! home disk  1.5 GiB of 9.0 free',
    '             → Make room.',
    '',
    'SETTING        VALUE  FROM',
    'endpoint.rate  20/s   --rate',
    '',
    'All other settings have their defaults: -o json shows them.',
    '',
    'Nothing is at fault.',
    '',
  ]);
});

test('exits 1 where something is, and says what to do', async () => {
  const { code, out } = await wds(['doctor'], { examine: async () => AT_FAULT });
  expect(code).toBe(1);
  expect(out).toContain('✗ temporal   gone\n             for good\n             → Start it.\n');
  expect(out).toContain('1 thing is at fault.');
});

test('is an object with -o json, a line for each finding with -o jsonl', async () => {
  const examine = async () => AT_FAULT;
  expect(JSON.parse((await wds(['doctor', '-o', 'json'], { examine })).out)).toEqual(AT_FAULT);
  expect((await wds(['doctor', '-o', 'jsonl'], { examine })).out.trim().split('\n')).toHaveLength(3);
});
