import { expect, test } from 'vitest';
import { explained } from '../../src/app/full-disk.ts';
import { Fault } from '../../src/domain/failure.ts';
import { DiskGuard } from '../../src/intake/disk-guard.ts';

const GIB = 1_073_741_824;
const guard = (freeBytes: number): DiskGuard =>
  new DiskGuard({ folder: '/home', minFreeBytes: GIB, diskOf: async () => ({ freeBytes, sizeBytes: 10 * GIB }) });
const settings = { home: '/home', minFreeBytes: undefined };
const unavailable = new Error('Failed to describe workflow', {
  cause: Object.assign(new Error('x'), { code: 14, details: 'shard status unknown' }),
});

test('where Temporal fails and the disk of the store is full, both are said, and what to do', async () => {
  const fault = (await explained(unavailable, settings, guard(1_000))) as Fault;
  expect(fault).toMatchObject({ code: 'temporal_unreachable', nextStep: expect.stringContaining('Make room') });
  expect(fault.message).toMatch(/shard status unknown\. The disk is full: 1000 bytes are free/);
});

test('where there is room, and where it is not for Temporal, an error stays what it is', async () => {
  expect(await explained(unavailable, settings, guard(2 * GIB))).toBe(unavailable);
  const missing = new Fault('not_found', 'no such file');
  expect(await explained(missing, settings, guard(1_000))).toBe(missing);
});
