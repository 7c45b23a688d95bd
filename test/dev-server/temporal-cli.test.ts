import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CliPlace } from '../../src/dev-server/temporal-cli.ts';
import { findTemporalCli } from '../../src/dev-server/temporal-cli.ts';
import { buildTemporalCli } from '../../src/dev-server/temporal-cli-build.ts';

let folder: string;
const said: string[] = [];
const say = (text: string) => said.push(text);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wds-cli-'));
  said.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function script(name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}
const cli = (name: string, version = 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)') =>
  script(name, `echo '${version}'`);
const place = (name: string, path: string): CliPlace => ({ name, find: async () => path });
const nothing = (name: string): CliPlace => ({
  name,
  find: async () => {
    throw new Error(`nothing in ${name}`);
  },
});

describe('finding the Temporal CLI', () => {
  it('takes the first place that has one that runs', async () => {
    const good = await cli('good');
    const found = await findTemporalCli({ env: {}, say, places: [nothing('a'), place('b', good), nothing('c')] });
    expect(found).toEqual({ path: good, version: expect.stringContaining('1.5.1'), source: 'b' });
  });

  it('passes over one that is something else, too old, or does not run', async () => {
    const places = [
      place('other', await script('other', 'echo cron 1.2')),
      place('old', await cli('old', 'temporal version 1.1.0 (Server 1.25.0, UI 2.30.0)')),
      place('broken', await script('broken', 'exit 3')),
      place('good', await cli('good')),
    ];
    expect((await findTemporalCli({ env: {}, say, places })).source).toBe('good');
  });

  it('lists what each place answered, and what to install, when none has it', async () => {
    const places = [nothing('PATH'), place('old', await cli('old', 'temporal version 1.1.0 (Server 1.25.0)'))];
    await expect(findTemporalCli({ env: {}, say, places })).rejects.toMatchObject({
      code: 'dev_server_unavailable',
      message: expect.stringMatching(/PATH: nothing in PATH\n.*old: .* is too old .*server 1\.29 is needed/),
      nextStep: expect.stringContaining('docs.temporal.io/cli'),
    });
  });

  it('looks on the PATH before the cache, and in the cache before the network', async () => {
    const onPath = await cli('bin/temporal');
    const cached = await cli('cache/wds/temporal-cli-1.5.1/temporal');
    const env = { PATH: `/nowhere:${join(folder, 'bin')}`, XDG_CACHE_HOME: join(folder, 'cache') };
    expect((await findTemporalCli({ env, say })).path).toBe(onPath);
    expect((await findTemporalCli({ env: { ...env, PATH: '/nowhere' }, say })).path).toBe(cached);
  });

  it('uses only the one that WDS_TEMPORAL_CLI names', async () => {
    const named = await cli('named');
    const places = [place('other', await cli('other'))];
    expect((await findTemporalCli({ env: { WDS_TEMPORAL_CLI: named }, say, places })).path).toBe(named);
    const wrong = { WDS_TEMPORAL_CLI: join(folder, 'missing') };
    await expect(findTemporalCli({ env: wrong, say, places })).rejects.toThrow(/WDS_TEMPORAL_CLI: .*missing/);
  });
});

describe('building the Temporal CLI', () => {
  /** Stands in for the Go toolchain: notes each install, takes a moment, and "builds" a CLI into GOBIN. */
  const fakeGo = (install: string, version = 'go1.26.1') =>
    script(
      'go',
      `if [ "$1" = version ]; then echo "go version ${version} linux/amd64"; exit; fi
       echo "$GOFLAGS|$GOWORK|$*" >> '${folder}/installs'
       ${install}`,
    );
  const builds = `sleep 0.3; printf '#!/bin/sh\\necho built\\n' > "$GOBIN/temporal"; chmod +x "$GOBIN/temporal"`;
  const options = (go: string) => ({
    version: '1.5.1',
    path: join(folder, 'cache', 'temporal-cli-1.5.1', 'temporal'),
    env: { PATH: process.env.PATH, GOFLAGS: '-mod=vendor' },
    say,
    go,
  });

  it('installs the pinned version into the cache, free of the flags of other work', async () => {
    const settings = options(await fakeGo(builds));
    expect(await buildTemporalCli(settings)).toBe(settings.path);
    expect(await readFile(join(folder, 'installs'), 'utf8')).toMatch(
      /^\|off\|install .*github\.com\/temporalio\/cli\/cmd\/temporal@v1\.5\.1\n$/,
    );
    expect(await readdir(join(folder, 'cache'))).toEqual(['temporal-cli-1.5.1']);
  });

  it('builds once for two that ask at the same time', async () => {
    const settings = options(await fakeGo(builds));
    await Promise.all([buildTemporalCli(settings), buildTemporalCli(settings)]);
    expect((await readFile(join(folder, 'installs'), 'utf8')).trim().split('\n')).toHaveLength(1);
    expect(said.join('\n')).toContain('is building the Temporal CLI; waiting for it');
  });

  it('says what Go said when it fails, and leaves nothing behind', async () => {
    const settings = options(await fakeGo('echo "dial tcp: lookup proxy: no such host" >&2; exit 1'));
    await expect(buildTemporalCli(settings)).rejects.toThrow(/exit|ended with 1: .*no such host/);
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });

  it('refuses a Go that is missing or too old to fetch a newer one', async () => {
    await expect(buildTemporalCli(options(join(folder, 'no-go')))).rejects.toThrow('no Go toolchain');
    await expect(buildTemporalCli(options(await fakeGo(builds, 'go1.19.8')))).rejects.toThrow('too old');
  });
});
