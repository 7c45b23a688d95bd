/**
 * What the documents tell people to type, typed: by a shell, in a folder as theirs, against real workers, the API and Temporal's own CLI.
 * Every command of a block is played, or named with the reason. (test/documents/commands.test.ts goes through all of them, with fakes.)
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { FileStatus } from '../../src/app/app.ts';
import { findTemporalCli } from '../../src/dev-server/temporal-cli.ts';
import type { Command } from '../documents/documents.ts';
import { blockWith, commands, commandsOf, ROOT } from '../documents/documents.ts';
import { alerts, asCsv } from './support/alert-files.ts';
import { test } from './support/e2e-test.ts';
import type { Site } from './support/site.ts';
import { until } from './support/waiting.ts';
import { LAUNCHER } from './support/wds-process.ts';

/** What is not played here; the rest of it is in test/documents/commands.test.ts. */
const NOT_PLAYED: readonly (readonly [RegExp, string])[] = [
  [
    /^(npm start|npx wds send|wds (api|watch|worker|receiver|status --watch))\b/,
    'goes on until it is stopped: this and the other tests of this folder start it',
  ],
  [/WDS_(API_TOKEN|FAILPOINT)|TEMPORAL_\w+=|wds\.internal/, 'needs another host, or another set-up'],
  [/--(endpoint|not-before|window)\b|\bsms\b/, 'of another configuration, or of another time of day'],
  [/^temporal worker deployment|^temporal workflow update-options/, 'needs versioned workers: test/temporal has those'],
  [
    /^wds (cancel|approve) 3f2a9c1d$|other version/,
    'their like are played by another name; test/e2e/operator.test.ts has them, too',
  ],
  [/^aws s3 /, "Amazon's own CLI: inbox-in-bucket.test.ts uploads the same by the SDK"],
  [
    /^(mkdir otel|npm init -y|export (NODE_OPTIONS|OTEL_)|echo "const \{ NodeSDK)/,
    "an SDK of the reader's own, from a registry: test/tracing.test.ts plays spans with it",
  ],
  [/^(npm|docker|RECORD_)/, 'builds, or belongs to contributors'],
  [/^(cp|mv|echo|openssl|node) /, 'run by test/documents/commands.test.ts'],
];

interface Typed {
  readonly line: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Somebody with a shell in the site's folder, with a service and an API of their own. */
class Person {
  readonly api: string;
  readonly #site: Site;
  readonly #env: Record<string, string>;
  readonly #words: readonly (readonly [RegExp, string])[];
  readonly #played = new Set<string>();

  private constructor(
    site: Site,
    api: string,
    env: Record<string, string>,
    words: readonly (readonly [RegExp, string])[],
  ) {
    this.#site = site;
    this.api = api;
    this.#env = env;
    this.#words = words;
  }

  /** What the documents write where everybody has something else: addresses, the digits of a file, of an installation. */
  static async at(site: Site, api: string): Promise<Person> {
    const programs = join(site.folder, 'programs');
    await site.write('programs/wds', `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`);
    await chmod(join(programs, 'wds'), 0o755);
    const { path: temporal } = await findTemporalCli({ say: () => undefined });
    await symlink(temporal, join(programs, 'temporal'));
    // A refusal is an error to a person, too.
    await site.write('.curlrc', 'silent\nfail-with-body\n');
    const sha256 = createHash('sha256').update(ALERTS).digest('hex');
    return new Person(site, api, { ...site.env, PATH: `${programs}:${process.env.PATH}`, HOME: site.folder }, [
      [/https:\/\/example\.com\/hook/g, site.receiver.url],
      [/http:\/\/127\.0\.0\.1:8080\//g, site.receiver.url],
      [/http:\/\/127\.0\.0\.1:848[01]/g, api],
      [/3f2a9c1d77b0/g, await site.installation()],
      [/3f2a9c1d/g, sha256.slice(0, 8)],
      [/file-…-crm/g, `file-${sha256}-crm`],
    ]);
  }

  async types(text: string): Promise<Typed> {
    const line = this.#words.reduce((said, [from, to]) => said.replaceAll(from, to), text);
    return new Promise((resolve) => {
      execFile('bash', ['-c', line], { cwd: this.#site.folder, env: this.#env }, (error, out, err) => {
        resolve({ line, code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  }

  /**
   * Those commands of the block with `piece` that `only` matches and nobody has typed before, one after the other, or `together`. Each ends
   * with `code`.
   */
  async plays(
    path: string,
    piece: string,
    { only = /^/, say = asItIs, code = 0, together = false } = {},
  ): Promise<Typed[]> {
    const chosen = commandsOf(blockWith(path, piece)).filter(({ text }) => only.test(text));
    expect(chosen).not.toEqual([]);
    const play = async (text: string): Promise<Typed> => {
      this.#played.add(text);
      const typed = await this.types(say(text));
      if (typed.code === code) return typed;
      throw new Error(`${typed.line} ended with ${typed.code}:\n${typed.out}\n${typed.err}`);
    };
    const texts = chosen.map(({ text }) => text).filter((text) => say !== asItIs || !this.#played.has(text));
    if (together) return Promise.all(texts.map(play));
    const typed: Typed[] = [];
    for (const text of texts) typed.push(await play(text));
    return typed;
  }

  hasPlayed({ text }: Command): boolean {
    return this.#played.has(text);
  }

  /** Until the first alerts of a file are out. */
  async awaitsDecision(file: string): Promise<void> {
    await until(`${file} waits for a decision`, async () => (await this.file(file))?.waiting?.why === 'decision');
  }

  async file(name: string): Promise<FileStatus | undefined> {
    const answer = await fetch(`${this.api}/files/${name}`);
    return answer.ok ? ((await answer.json()) as FileStatus) : undefined;
  }
}

const asItIs = (text: string): string => text;
const user = { userId: '4711', alertMessage: 'Hello' };
const ALERTS = asCsv([user, ...alerts(29)]);

test('what the documents tell people to type does what they say', async ({ site }) => {
  await site.receive([], {}, { notify: { command: 'true' }, store: { retainDays: 90 } });
  await site.write('alerts.csv', ALERTS);
  await site.write('alerts.csv.gz', gzipSync(asCsv(alerts(5, 'zipped'))));
  await site.write('invoices.csv', asCsv([user, ...alerts(29, 'invoice')]));
  await site.write('suppressed.txt', 'user-3\n');
  const worker = await site.worker();
  const api = site.start('api', '--api-port', '0');
  await api.says(/^API /m);
  const person = await Person.at(site, /^API +(http:\S+)/m.exec(api.stderr)?.[1] ?? '');
  const guide = 'docs/guide.md';
  const runbook = 'docs/operations.md';

  await person.plays(guide, 'wds init', { only: /^wds init/ });
  await person.plays('docs/notifications.md', 'wds notify --test');
  await person.plays('docs/s3.md', 'wds doctor', { only: /^wds doctor/ });

  const cancelled = person.plays(guide, '--first 20', { only: /^wds send/, code: 6 });
  await person.awaitsDecision('alerts.csv');
  await person.plays(runbook, 'wds report 3f2a9c1d', { only: /^wds (status$|endpoint)/ });
  await person.plays(runbook, 'temporal workflow describe');
  await person.plays('docs/api.md', '/files?limit=5', { only: /pause/ });
  await person.plays(runbook, 'wds pause 3f2a9c1d', { only: /pause|resume/ });
  await person.plays(runbook, '"set-rate","rate":50', { only: /cancel/ });
  await cancelled;
  await person.plays(guide, 'wds retry alerts.csv');
  expect(await person.file('alerts.csv')).toMatchObject({ state: 'completed', delivered: 30 });
  await person.plays(runbook, 'wds report 3f2a9c1d', { only: /report/ });

  const say = (text: string): string => text.replaceAll('alerts.csv', 'invoices.csv');
  const approved = person.plays(guide, '--first 20', { only: /^wds send/, say });
  await person.awaitsDecision('invoices.csv');
  await person.plays(guide, '--first 20', { only: /^wds (status|approve)/, say });
  await approved;
  await person.plays(guide, 'wds resend 4711 invoices.csv');
  const [found] = await person.plays(guide, 'wds find 4711                  #');
  expect(found?.out).toMatch(/^4711: 3 alerts, 3 delivered\nOUTCOME +WHEN +FILE +LINE +ANSWER\ndelivered /);

  await person.plays(guide, 'npm start -- --url', { only: /^wds /, together: true });
  await person.plays(guide, 'wds send alerts.csv --suppress-file', { together: true });
  await person.plays(guide, '> result.json');
  expect(JSON.parse(await readFile(join(site.folder, 'result.json'), 'utf8'))).toMatchObject({ delivered: 30 });
  await person.plays(guide, 'wds receiver --port 8080', { only: /^(curl|wds send)/ });
  await person.plays(runbook, 'readyz');

  await person.plays(runbook, '"set-rate","rate":50', { only: /update/ });
  await person.plays(runbook, 'wds endpoint list', { only: /^(?!.*release)/ });
  await person.plays(runbook, 'temporal task-queue config get');
  await person.plays(runbook, 'temporal workflow reset');

  await person.plays('docs/api.md', 'curl -F file=@alerts.csv');
  await person.types(`sed s/${user.userId}/4712/ alerts.csv > vouchers.csv`);
  await person.types("curl -F file=@vouchers.csv 'http://127.0.0.1:8480/upload?first=7'");
  await person.awaitsDecision('vouchers.csv');
  expect(await person.file('vouchers.csv')).toMatchObject({ delivered: 7, pending: 23 });
  await person.types('curl -X POST http://127.0.0.1:8480/files/vouchers.csv/approve');
  await until('its rest is sent', async () => (await person.file('vouchers.csv'))?.state === 'completed');
  await person.plays('docs/api.md', 'order-4711-shipped');
  await person.plays('docs/api.md', '/files?limit=5', { only: /^(?!.*pause)/ });
  expect(await playClient(person, site)).toEqual(['user-1000 delivered']);

  await person.plays('docs/s3.md', 'wds doctor', { only: /^wds (send|find)/, together: true });

  await person.plays('docs/retention.md', 'wds verify alerts.csv', { together: true });
  await person.plays('docs/retention.md', 'wds prune --dry-run');
  await person.plays('docs/retention.md', 'wds forget 4711 --dry-run', {
    say: (text) => text.replace(/^wds forget 4711$/, '$& --yes'),
  });
  for (const one of [api, worker]) {
    one.kill('SIGTERM');
    await one.end();
  }
  await person.plays(runbook, 'wds endpoint list', { only: /release/ });

  const left = commands.filter(
    (command) => !person.hasPlayed(command) && !NOT_PLAYED.some(([pattern]) => pattern.test(command.text)),
  );
  expect(left.map(({ path, line, text }) => `${path}:${line}: ${text}`)).toEqual([]);
});

/** The program with the client, as somebody who has installed the package would run it; returns what it prints. */
async function playClient(person: Person, site: Site): Promise<string[]> {
  const client = pathToFileURL(join(ROOT, 'dist/src/client/client.js')).href;
  const program = blockWith('docs/api.md', 'new WdsClient')
    .text.replace('@wds-delivery/wds/client', client)
    .replace('http://127.0.0.1:8480', person.api)
    .replace("'alerts.csv'", "'of-the-client.csv'");
  await site.write('program.mjs', program);
  const { code, out, err } = await person.types('node program.mjs');
  if (code !== 0) throw new Error(err);
  return out.trim().split('\n');
}
