import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { watchApiKey } from '../../src/temporal/api-key.ts';
import { makeFolder } from '../config/folder.ts';

let stop = (): void => undefined;
afterEach(() => stop());

const toml = (key: string): string => `[profile.default]\naddress = "cloud:7233"\napi_key = "${key}"\n`;

test('a key that was replaced in its file is given to both connections, once; a file that is broken changes nothing', async () => {
  const folder = await makeFolder({ 'temporal.toml': toml('one') });
  const file = join(folder, 'temporal.toml');
  const given: string[] = [];
  const events: unknown[] = [];
  const logger = { info: (fields: object) => events.push(fields), warn: (fields: object) => events.push(fields) };
  stop = watchApiKey({
    flags: {},
    env: { TEMPORAL_CONFIG_FILE: file },
    everyMs: 5,
    client: { setApiKey: (key) => void given.push(`client ${key as string}`) },
    native: async () => ({ setApiKey: async (key) => void given.push(`native ${key}`) }),
    logger: logger as never,
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const replace = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await replace(toml('two'));
  await vi.waitFor(() => expect(given).toEqual(['client two', 'native two']), 5_000);
  await replace('profile = [');
  await vi.waitFor(() => expect(events).toHaveLength(2), 5_000);
  expect(events).toEqual([{ event: 'api_key_renewed' }, { event: 'api_key_trouble', reason: expect.any(String) }]);
  expect(given).toHaveLength(2);
});
