import { describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { makeFolder } from './folder.ts';

const secret = (fill: number, bytes = 32): string => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const NEW = secret(1);
const OLD = secret(2);
const URL_A = 'https://a.example.com/hook';

interface Given {
  readonly endpoint?: string;
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

async function load({ endpoint = '', env = {}, files = {} }: Given) {
  const yaml = `endpoint:\n  url: ${URL_A}\n${endpoint.replaceAll(/^/gm, '  ')}\n`;
  const cwd = await makeFolder({ ...files, 'wds.config.yaml': yaml });
  return (await loadSettings({ cwd, env })).settings.endpoint;
}

describe('signing secrets', () => {
  test.each<[string, Given, string[]]>([
    ['none', {}, []],
    ['WDS_SECRET', { env: { WDS_SECRET: NEW } }, [NEW]],
    ['WDS_SECRET with two', { env: { WDS_SECRET: `${NEW}, ${OLD}` } }, [NEW, OLD]],
    ['WDS_SECRET_FILE', { env: { WDS_SECRET_FILE: 's' }, files: { s: `${NEW}\n` } }, [NEW]],
    ['a file', { endpoint: 'secretFile: keys/s', files: { 'keys/s': `\uFEFF${NEW}\r\n${OLD}\r\n` } }, [NEW, OLD]],
    ['two files', { endpoint: 'secretFile: [n, o]', files: { n: NEW, o: OLD } }, [NEW, OLD]],
    ['named variables', { endpoint: 'secretEnv: [N, O]', env: { N: NEW, O: OLD } }, [NEW, OLD]],
    ["the environment's instead of the file's", { endpoint: 'secretFile: missing', env: { WDS_SECRET: NEW } }, [NEW]],
    [
      'the shortest and the longest',
      { env: { WDS_SECRET: `${secret(3, 24)} ${secret(3, 64)}` } },
      [secret(3, 24), secret(3, 64)],
    ],
  ])('%s', async (_name, given, expected) => {
    expect((await load(given))?.secrets).toEqual(expected);
  });

  test.each<[string, Given, string]>([
    ['too short', { env: { WDS_SECRET: secret(1, 23) } }, '24 to 64 bytes'],
    ['too long', { env: { WDS_SECRET: secret(1, 65) } }, '24 to 64 bytes'],
    ['without prefix', { env: { WDS_SECRET: NEW.slice(6) } }, 'whsec_'],
    ['not base64', { env: { WDS_SECRET: `whsec_${'*'.repeat(40)}` } }, 'whsec_'],
    ['one of two wrong', { env: { WDS_SECRET: `${NEW} nonsense` } }, 'variable WDS_SECRET'],
    ['three', { env: { WDS_SECRET: `${NEW} ${OLD} ${NEW}` } }, '3 secrets'],
    ['an empty file', { endpoint: 'secretFile: s', files: { s: '\n' } }, 'whsec_'],
    ['a missing file', { endpoint: 'secretFile: nope' }, 'nope cannot be read: ENOENT'],
    [
      'both kinds',
      { endpoint: 'secretFile: s\nsecretEnv: S', env: { S: NEW }, files: { s: NEW } },
      'expected one of them',
    ],
  ])('%s is a fault that shows no secret', async (_name, given, expected) => {
    const message = await load(given).then(
      () => 'no fault',
      (error: Error) => error.message,
    );
    expect(message).toContain(expected);
    for (const word of (given.env?.WDS_SECRET ?? NEW).split(' ')) expect(message).not.toContain(word);
  });
});

describe('headers', () => {
  test('a value is a text, or comes from a variable or a file', async () => {
    const endpoint = 'headers:\n  X-Source: wds\n  Authorization: { env: TOKEN }\n  X-Key: { file: key }';
    const loaded = await load({ endpoint, env: { TOKEN: 'Bearer geheim' }, files: { key: 'abc\n' } });
    expect(loaded?.headers).toEqual({ 'X-Source': 'wds', Authorization: 'Bearer geheim', 'X-Key': 'abc' });
  });

  test.each([
    'Content-Type: text/plain',
    'webhook-id: mine',
    'Idempotency-Key: mine',
    'Host: geheim',
    '"bad name": geheim',
    'X-A: "geheim\\r\\nX-B: 1"',
    'X-A: geheim€',
    'X-A: 5',
    'X-A: { env: NOT_SET }',
    'X-A: { evn: geheim }',
  ])('%s is refused without showing it', async (header) => {
    const message = await load({ endpoint: `headers:\n  ${header}` }).then(
      () => 'no fault',
      (error: Error) => error.message,
    );
    expect(message).toContain('endpoint.headers.');
    expect(message).not.toContain('geheim');
  });
});
