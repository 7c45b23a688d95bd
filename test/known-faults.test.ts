import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problemOf } from '../src/api/problem.ts';
import { exitCodeOfError } from '../src/cli/exit-codes.ts';
import { Fault } from '../src/domain/failure.ts';
import { knownFault } from '../src/known-faults.ts';

const systemError = (code: string, more: object = {}): Error =>
  Object.assign(new Error(`${code}: something, write`), { code, ...more });

/** As the SDK throws it: what was asked for, with the server's answer as its cause. */
const serviceError = (code: number, details: string): Error =>
  Object.assign(new Error('Failed to describe workflow', { cause: Object.assign(new Error('x'), { code, details }) }), {
    name: 'ServiceError',
  });

describe('what a person can mend', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO', 'ESTALE'])('%s says where and what to do', (code) => {
    const fault = knownFault(systemError(code, { path: '/data/home/x' }));
    expect(fault).toMatchObject({ code: 'store', nextStep: expect.stringMatching(/./) });
    expect(fault?.message).toMatch(new RegExp(`^/data/home/x: .+ \\(${code}\\)$`));
    expect(exitCodeOfError(fault)).toBe(1);
  });

  test('a rename names the place that was to be', () => {
    expect(knownFault(systemError('ENOSPC', { path: '/a', dest: '/b' }))?.message).toMatch(/^\/b: /);
  });

  test('a limit of the process names no file', () => {
    expect(knownFault(systemError('EMFILE', { path: '/a' }))?.message).toMatch(/^too many files are open/);
  });

  test('what the server answered is told, not only what it was asked', () => {
    const error = serviceError(14, 'shard status unknown');
    expect(knownFault(error)?.message).toContain('shard status unknown');
    expect(exitCodeOfError(error)).toBe(69);
    expect(problemOf(error)).toMatchObject({ status: 503, code: 'temporal_unreachable', retryAfter: 5 });
  });

  test('a fault stays what it is, and of other errors nothing is known', async () => {
    const fault = new Fault('config', 'no');
    expect(knownFault(fault)).toBe(fault);
    expect(knownFault(new TypeError('x is not a function'))).toBeUndefined();
    const folder = await mkdtemp(join(tmpdir(), 'wds-faults-'));
    const missing = await readFile(join(folder, 'none')).catch((error: unknown) => error);
    await rm(folder, { recursive: true });
    expect(knownFault(missing)).toBeUndefined();
  });
});
