/** Settings of what keeps alerts from being sent, and of who is notified: how they are written, and what comes of them. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import type { FlagValues } from '../../src/config/sources.ts';
import { makeFolder } from './folder.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

async function load(yaml: string, { env = {}, flags = {} }: { env?: Record<string, string>; flags?: FlagValues } = {}) {
  const cwd = await makeFolder({ 'wds.config.yaml': yaml, 'keys/n': SECRET });
  return { cwd, ...(await loadSettings({ cwd, env, flags })).settings };
}
const flag = (name: string, value: string) => ({ [`delivery.${name}`]: { value, flag: `--${name}` } });

describe('a suppression list', () => {
  test('of the configuration holds for all that is sent, that of a flag for its files', async () => {
    const own = await load('delivery: { suppressFile: lists/stop.txt }');
    expect(own.suppressFile).toBe(join(own.cwd, 'lists/stop.txt'));
    expect(own.delivery.suppressFile).toBe(own.suppressFile);
    const both = await load('delivery: { suppressFile: a.txt }', { flags: flag('suppressFile', '7') });
    expect(both.suppressFile).toBe(join(both.cwd, 'a.txt'));
    expect(both.delivery.suppressFile).toBe(join(both.cwd, '7'));
    expect((await load('')).suppressFile).toBeUndefined();
  });
});

describe('times', () => {
  test('become a schedule', async () => {
    const yaml =
      "delivery: { window: '08:00-20:00 Europe/Berlin', notBefore: 2026-12-24T08:00+01:00, notAfter: 2026-12-24T12:00Z }";
    expect((await load(yaml)).delivery.schedule).toEqual({
      notBeforeMs: Date.UTC(2026, 11, 24, 7),
      notAfterMs: Date.UTC(2026, 11, 24, 12),
      window: { from: 480, to: 1_200, zone: 'Europe/Berlin' },
    });
  });

  test('that a flag takes away are none', async () => {
    const yaml = "delivery: { window: '08:00-20:00 UTC' }";
    expect((await load(yaml, { flags: flag('window', 'always') })).delivery.schedule).toBeUndefined();
    expect((await load('')).delivery).not.toHaveProperty('schedule');
  });

  test.each([
    ['delivery: { window: 08:00-20:00 }', 'delivery.window'],
    ['delivery: { notBefore: 2026-12-24 }', 'delivery.notBefore'],
    ['delivery: { notBefore: 2026-12-24T08:00Z, notAfter: 2026-12-24T08:00Z }', 'delivery.notAfter'],
  ])('%s is a fault', async (yaml, key) => {
    await expect(load(yaml)).rejects.toThrow(key);
  });
});

describe('notifications', () => {
  test('are nobody’s where neither a URL nor a command is set, also with a secret', async () => {
    expect((await load('', { env: { WDS_NOTIFY_SECRET: SECRET } })).notify).toBeUndefined();
  });

  test('have a URL with its secrets, a command for the shell or a program, and events', async () => {
    const { notify } = await load('notify: { url: "https://a.example.com/x", secretFile: keys/n, events: [disk.low] }');
    expect(notify).toEqual({
      ...{ url: 'https://a.example.com/x', secrets: [SECRET], command: undefined },
      ...{ events: ['disk.low'], timeoutMs: 15_000 },
      secretFiles: { paths: [expect.stringMatching(/keys\/n$/)], read: expect.any(Function) },
    });
    expect((await load('notify: { command: page me }')).notify?.command).toEqual(['/bin/sh', '-c', 'page me']);
    expect((await load('notify: { command: [page, me] }')).notify?.command).toEqual(['page', 'me']);
    const env = { WDS_NOTIFY_URL: 'http://b.example.com/', WDS_NOTIFY_SECRET: SECRET };
    expect((await load('', { env })).notify).toMatchObject({ url: 'http://b.example.com/', secrets: [SECRET] });
    expect((await load('', { env })).notify?.events).toContain('file.failed');
  });

  test.each([
    ['notify: { events: [disk.low] }', 'notify.events: nobody is told'],
    ['notify: { url: "https://a.example.com/x", events: [file.lost] }', 'notify.events'],
    ['notify: { url: "https://user:s3cret@a.example.com/x" }', 'notify.url'],
  ])('%s is a fault, which shows no secret', async (yaml, why) => {
    const failure = await load(yaml).catch((error: Error) => error);
    expect((failure as Error).message).toContain(why);
    expect((failure as Error).message).not.toContain('s3cret');
  });
});
